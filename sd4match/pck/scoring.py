"""Percentage of correct keypoints, under each protocol, from positions in original pixels.

A keypoint is correct if its distance to the truth is at most alpha times a reference length
(docs/explanation/method.md section 3). Distances and references are float64; a distance that
differs from the limit by rounding only counts as equal to it.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError, require_known
from sd4match.matching.keypoints import to_square
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.protocols import Protocol, reference_lengths, resolve

MEANS = ("image", "keypoint", "category")

TIE = 1e-9
"""Relative difference to the limit below which a distance counts as equal to it: well below
float32's precision and above float64's errors."""

Floats = NDArray[np.float64]


def coordinates(
    truth: GroundTruth, *, protocol: str | Protocol = "sd4match", image_size: int = 768
) -> tuple[Floats, Floats, Floats]:
    """Return the coordinates in which a protocol measures.

    Args:
        truth: K keypoints of P pairs.
        protocol, image_size: see `distances`.

    Returns:
        (P, 2) factors from original pixels to the protocol's, (K, 2) the truth in the protocol's
        pixels, and (K,) the length there that alpha multiplies.

    Raises:
        SD4MatchError: as `distances`.
    """
    protocol = resolve(protocol)
    scale = np.ones((truth.n_pairs, 2))
    target = truth.keypoints.astype(np.float64)
    if protocol.coordinates == "square":
        if not 2 <= image_size < math.inf:
            raise SD4MatchError(f"image_size is {image_size!r}: expected pixels, at least 2")
        scale = image_size / truth.sizes.astype(np.float64)
        target = to_square(truth.keypoints, truth.sizes[truth.pair], image_size)
    return scale, target, reference_lengths(truth, protocol.reference, scale)[truth.pair]


def distances(
    truth: GroundTruth,
    predicted: ArrayLike,
    *,
    protocol: str | Protocol = "sd4match",
    image_size: int = 768,
) -> tuple[Floats, Floats]:
    """Measure distances of predictions to the truth, and the lengths that alpha multiplies.

    Args:
        truth: K keypoints.
        predicted: (..., K, 2) positions in original pixels.
        protocol: "sd4match", "dift", "geoaware", or a `Protocol`.
        image_size: side of the square; used by coordinates "square" ("sd4match") only.

    Returns:
        (..., K) distances and (K,) reference lengths, in the protocol's pixels.

    Raises:
        SD4MatchError: an unknown protocol, a wrong shape, predictions that are NaN, or a pair
            without the box that is the reference.
    """
    points = np.asarray(predicted, dtype=np.float64)
    if points.shape[-2:] != truth.keypoints.shape:
        raise SD4MatchError(
            f"predicted keypoints have shape {points.shape}: expected "
            f"(..., {len(truth.keypoints)}, 2), one row per keypoint of the truth"
        )
    scale, target, reference = coordinates(truth, protocol=protocol, image_size=image_size)
    x, y = scale[truth.pair].T
    dx = points[..., 0] * x - target[:, 0]
    dy = points[..., 1] * y - target[:, 1]
    distance = np.sqrt(dx * dx + dy * dy)
    if np.isnan(distance).any():
        raise SD4MatchError("predicted keypoints contain NaN: they cannot be scored")
    return distance, reference


def correct(
    truth: GroundTruth,
    predicted: ArrayLike,
    *,
    alpha: float | Sequence[float],
    protocol: str | Protocol = "sd4match",
    image_size: int = 768,
) -> NDArray[np.bool_]:
    """Decide which keypoints are correct: distance <= alpha * reference (< if strict).

    Args:
        truth, predicted, protocol, image_size: see `distances`.
        alpha: tolerance as a fraction of the reference; a sequence of A of them is possible.

    Returns:
        (..., K) bool; (A, ..., K) for a sequence.

    Raises:
        SD4MatchError: alpha not above 0, or as `distances`.
    """
    tolerance = np.asarray(alpha, dtype=np.float64)
    if tolerance.size == 0 or not (np.isfinite(tolerance) & (tolerance > 0)).all():
        text = ", ".join(f"{value:g}" for value in tolerance.reshape(-1))
        raise SD4MatchError(f"alpha is {text}: it must be a finite number above 0, e.g. 0.1")
    distance, reference = distances(truth, predicted, protocol=protocol, image_size=image_size)
    limits = tolerance.reshape(*tolerance.shape, *[1] * distance.ndim) * reference
    if resolve(protocol).strict:
        return np.less(distance, limits * (1 - TIE))
    return np.less_equal(distance, limits * (1 + TIE))


def score(
    pair: ImagePair,
    predicted: ArrayLike,
    *,
    alpha: float,
    protocol: str | Protocol = "sd4match",
    image_size: int = 768,
) -> NDArray[np.bool_]:
    """Decide which keypoints of one pair are correct; `correct` does it for many pairs.

    Args:
        pair: a pair with N target keypoints.
        predicted: (N, 2) positions in original pixels of the target.
        alpha, protocol, image_size: see `correct`.

    Returns:
        (N,) bool.

    Raises:
        SD4MatchError: as `correct`.
    """
    truth = GroundTruth.of([pair])
    return correct(truth, predicted, alpha=alpha, protocol=protocol, image_size=image_size)


def counts(truth: GroundTruth, correct: ArrayLike) -> NDArray[np.int64]:
    """Count the correct keypoints of each pair: (..., K) bool to (..., P)."""
    found = np.asarray(correct)
    kept, starts = truth.ranges()
    result = np.zeros((*found.shape[:-1], truth.n_pairs), dtype=np.int64)
    if len(kept):
        result[..., kept] = np.add.reduceat(found, starts, axis=-1, dtype=np.int64)
    return result


def aggregate(
    truth: GroundTruth,
    correct: ArrayLike,
    *,
    mean: str = "image",
    categories: Sequence[str] | None = None,
) -> Floats:
    """Average over a set of pairs; pairs without keypoints do not count.

    Args:
        truth: K keypoints of P pairs.
        correct: (..., K) bool.
        mean: "image" (mean over pairs of each pair's share), "keypoint" (share of all keypoints)
            or "category" (mean over categories of their "image" means).
        categories: (P,) category of each pair, for "category".

    Returns:
        (...,) shares from 0 to 1.

    Raises:
        SD4MatchError: an unknown mean, a wrong shape, missing categories, or no keypoint at all.
    """
    require_known(mean, MEANS, what="mean")
    found = np.asarray(correct)
    if found.shape[-1:] != truth.pair.shape:
        raise SD4MatchError(
            f"correct has shape {found.shape}: expected (..., {len(truth.pair)}), one per keypoint"
        )
    if not len(truth.pair):
        raise SD4MatchError(f"none of the {truth.n_pairs} pairs has a keypoint: nothing to average")
    if mean == "keypoint":
        return np.asarray(found.mean(axis=-1, dtype=np.float64))
    kept, _ = truth.ranges()
    shares = counts(truth, found)[..., kept] / truth.n_keypoints[kept]
    if mean == "image":
        return _mean(shares)
    if categories is None or len(categories) != truth.n_pairs:
        raise SD4MatchError(
            f"mean 'category' needs categories, one for each of the {truth.n_pairs} pairs"
        )
    names = np.asarray(categories)[kept]
    return _mean(np.stack([_mean(shares[..., names == name]) for name in np.unique(names)], -1))


def _mean(shares: Floats) -> Floats:
    """Mean over the last axis, with an order of additions that other axes do not influence."""
    return np.asarray(np.ascontiguousarray(shares).mean(axis=-1))
