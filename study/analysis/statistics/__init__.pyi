from .stats import Difference as Difference
from .stats import Interval as Interval
from .stats import PairSamples as PairSamples
from .stats import difference as difference
from .stats import differences as differences
from .stats import holm as holm
from .stats import interval as interval
from .stats import intervals as intervals

__all__ = [
    "Difference",
    "Interval",
    "PairSamples",
    "difference",
    "differences",
    "holm",
    "interval",
    "intervals",
]
