from .breakdowns import (
    LEVELS as LEVELS,
    Part as Part,
    breakdown as breakdown,
    labels_of as labels_of,
)
from .ground_truth import GroundTruth as GroundTruth
from .protocols import (
    PROTOCOLS as PROTOCOLS,
    Protocol as Protocol,
    reference_lengths as reference_lengths,
    resolve as resolve,
)
from .scoring import (
    MEANS as MEANS,
    aggregate as aggregate,
    coordinates as coordinates,
    correct as correct,
    counts as counts,
    distances as distances,
    score as score,
)
