from .callbacks import Nodes as Nodes
from .cluster import joined as joined
from .cluster import resources as resources
from .faults import Fault as Fault
from .listener import Listener as Listener
from .run import fit as fit
from .run import launch as launch
from .trainable import StageTrainable as StageTrainable
from .work import Outcome as Outcome
from .work import Work as Work
from .work import outstanding as outstanding
from .work import pending as pending
from .work_queue import WorkQueue as WorkQueue
from .worker import Workshop as Workshop

__all__ = [
    "Fault",
    "Listener",
    "Nodes",
    "Outcome",
    "StageTrainable",
    "Work",
    "WorkQueue",
    "Workshop",
    "fit",
    "joined",
    "launch",
    "outstanding",
    "pending",
    "resources",
]
