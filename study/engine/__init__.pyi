from .callbacks import Nodes as Nodes
from .cluster import joined as joined, resources as resources
from .faults import Fault as Fault
from .listener import Listener as Listener
from .run import fit as fit, launch as launch
from .trainable import StageTrainable as StageTrainable
from .work import Outcome as Outcome, Work as Work, outstanding as outstanding, pending as pending
from .work_queue import WorkQueue as WorkQueue
from .worker import Workshop as Workshop
