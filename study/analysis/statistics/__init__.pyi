from .stats import (
    Difference as Difference,
    Interval as Interval,
    PairSamples as PairSamples,
    difference as difference,
    differences as differences,
    holm as holm,
    interval as interval,
    intervals as intervals,
)
