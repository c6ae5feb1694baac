from .axes import AXES as AXES, Axis as Axis, Cost as Cost, Value as Value
from .configuration import Configuration as Configuration, configure as configure
from .designs import DESIGNS as DESIGNS, configurations as configurations
from .file_lookup import find_file as find_file
from .metric import COST as COST, Metric as Metric, Rule as Rule, selecting as selecting
from .reading import load as load
from .schema import SpaceFile as SpaceFile
from .space import Space as Space
