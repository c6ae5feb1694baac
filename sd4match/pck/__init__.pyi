from .breakdowns import LEVELS as LEVELS
from .breakdowns import Part as Part
from .breakdowns import breakdown as breakdown
from .breakdowns import labels_of as labels_of
from .ground_truth import GroundTruth as GroundTruth
from .protocols import PROTOCOLS as PROTOCOLS
from .protocols import Protocol as Protocol
from .protocols import reference_lengths as reference_lengths
from .protocols import resolve as resolve
from .scoring import MEANS as MEANS
from .scoring import aggregate as aggregate
from .scoring import coordinates as coordinates
from .scoring import correct as correct
from .scoring import counts as counts
from .scoring import distances as distances
from .scoring import score as score

__all__ = [
    "LEVELS",
    "MEANS",
    "PROTOCOLS",
    "GroundTruth",
    "Part",
    "Protocol",
    "aggregate",
    "breakdown",
    "coordinates",
    "correct",
    "counts",
    "distances",
    "labels_of",
    "reference_lengths",
    "resolve",
    "score",
]
