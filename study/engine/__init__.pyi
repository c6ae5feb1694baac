from .cluster import resources as resources
from .faults import Fault as Fault
from .run import launch as launch
from .work import Outcome as Outcome
from .work import Work as Work
from .work import outstanding as outstanding

__all__ = [
    "Fault",
    "Outcome",
    "Work",
    "launch",
    "outstanding",
    "resources",
]
