from .journal import open_storage as open_storage
from .objectives import Objectives as Objectives
from .ped_anova import importance as importance
from .record import Record as Record
from .search import OptunaSearch as OptunaSearch
