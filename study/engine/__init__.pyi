from .cluster import resources as resources
from .faults import Fault as Fault
from .run import Outcome as Outcome
from .run import launch as launch

__all__ = [
    "Fault",
    "Outcome",
    "launch",
    "resources",
]
