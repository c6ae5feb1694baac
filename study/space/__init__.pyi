from .axes import AXES as AXES
from .axes import Axis as Axis
from .axes import Cost as Cost
from .axes import Value as Value
from .configuration import Configuration as Configuration
from .configuration import configure as configure
from .designs import DESIGNS as DESIGNS
from .designs import configurations as configurations
from .file_lookup import find_file as find_file
from .metric import COST as COST
from .metric import Metric as Metric
from .metric import Rule as Rule
from .metric import selecting as selecting
from .reading import load as load
from .schema import SpaceFile as SpaceFile
from .space import Space as Space

__all__ = [
    "AXES",
    "COST",
    "DESIGNS",
    "Axis",
    "Configuration",
    "Cost",
    "Metric",
    "Rule",
    "Space",
    "SpaceFile",
    "Value",
    "configurations",
    "configure",
    "find_file",
    "load",
    "selecting",
]
