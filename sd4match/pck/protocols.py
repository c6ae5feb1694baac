"""PCK protocols: their parts, and three with names (docs/explanation/method.md section 3)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.benchmarks import BENCHMARKS
from sd4match.errors import SD4MatchError, require_known
from sd4match.matching.readout import DENSE
from sd4match.pck.ground_truth import GroundTruth

COORDINATES = ("square", "original", "letterbox")
REFERENCES = ("img", "bbox", "bbox-kp")


@dataclass(frozen=True)
class Protocol:
    """A rule for which keypoints are correct. The kind of mean is a separate choice.

    Args:
        coordinates: where distances are measured. "square": in the model's anisotropic square, with
            the truth clamped to it; "original": in original pixels; "letterbox": in a uniformly
            scaled image, which is equivalent to original pixels and computed there.
        reference: the length that alpha multiplies, in those coordinates. "img": the larger side
            of the target image; "bbox": that of the target object's box; "bbox-kp": the larger
            extent of the pair's target keypoints before any clamp (0 for a single one); None: the
            data set's own (PF-Pascal: "img", SPair-71k: "bbox", PF-Willow: "bbox-kp").
        strict: a distance equal to the limit is wrong (<), not correct (≤).

    Raises:
        SD4MatchError: unknown coordinates or reference.

    Example:
        >>> from dataclasses import replace
        >>> replace(PROTOCOLS["dift"], strict=True)
        Protocol(coordinates='original', reference=None, strict=True)
    """

    coordinates: str = "square"
    reference: str | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        require_known(self.coordinates, COORDINATES, what="coordinates")
        if self.reference is not None:
            require_known(self.reference, REFERENCES, what="reference")


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "sd4match": Protocol("square"),
        "dift": Protocol("original"),
        "geoaware": Protocol("letterbox", strict=True),
    }
)


def resolve(protocol: str | Protocol) -> Protocol:
    """Return the protocol of a name.

    Raises:
        SD4MatchError: an unknown name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    require_known(protocol, PROTOCOLS, what="protocol")
    return PROTOCOLS[protocol]


def localizer_warning(protocol: str, localizers: Iterable[str]) -> str | None:
    """Return what to say about a protocol that its authors used with another localizer.

    DIFT scored matches of its dense localizer (docs/explanation/method.md section 9).

    Args:
        protocol: name of the protocol.
        localizers: those whose predictions it scores.

    Returns:
        A line for people; None where there is nothing to say.
    """
    others = sorted({*localizers} - {DENSE})
    if protocol != "dift" or not others:
        return None
    return (
        f"protocol dift scores as DIFT does, but DIFT matched by localizer {DENSE}, "
        f"not {' or '.join(others)}: compare only {DENSE} with DIFT's numbers"
    )


def reference_lengths(
    truth: GroundTruth, reference: str | None, scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the length that alpha multiplies, for each pair.

    Args:
        truth: P pairs.
        reference: as for `Protocol`.
        scale: (P, 2) factors from original pixels to the protocol's.

    Returns:
        (P,) lengths in the protocol's pixels.

    Raises:
        SD4MatchError: the reference is a box and a pair has none; the length of a pair with
            keypoints is not above 0; an unknown data set.
    """
    if reference is None:
        require_known(truth.dataset, BENCHMARKS, what="data set")
        reference = BENCHMARKS[truth.dataset].reference
    if reference == "img":
        sides = truth.sizes.astype(np.float64)
    elif reference == "bbox":
        boxes = truth.boxes.astype(np.float64)
        sides = boxes[:, 2:] - boxes[:, :2]
        absent = np.flatnonzero(np.isnan(sides).any(axis=1))
        if len(absent):
            raise SD4MatchError(
                f"pair {absent[0]} (the first is 0) of {truth.dataset} has no target box, the "
                "reference of this PCK: read it from the annotation or, if the data set has none "
                "(PF-Willow), use reference 'bbox-kp', the extent of the keypoints"
            )
    else:
        sides = np.zeros((truth.n_pairs, 2))
        kept, starts = truth.ranges()
        if len(kept):
            points = truth.keypoints.astype(np.float64)
            sides[kept] = np.maximum.reduceat(points, starts) - np.minimum.reduceat(points, starts)
    lengths = np.asarray((sides * scale).max(axis=1))
    wrong = np.flatnonzero((truth.n_keypoints > 0) & ~(lengths > 0))
    if len(wrong):
        raise SD4MatchError(
            f"pair {wrong[0]} (the first is 0) of {truth.dataset} has reference length"
            f" {lengths[wrong[0]]:g} by {reference!r}: PCK needs a length above 0; check its target"
            " box (x1, y1, x2, y2) or keypoints"
        )
    return lengths
