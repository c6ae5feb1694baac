"""PCK by category, and by SPair-71k's grades of difficulty."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError, require_known
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.scoring import aggregate

_HARDNESS = ("easy", "medium", "hard")
_SIDES = ("none", "source", "target", "both")
LEVELS: Mapping[str, tuple[str, ...]] = {
    "viewpoint": _HARDNESS,
    "scale": _HARDNESS,
    "truncation": _SIDES,
    "occlusion": _SIDES,
}
"""Names of the grades 0, 1, … of ``ImagePair.attributes`` in SPair-71k's annotations."""


@dataclass(frozen=True, eq=False)
class Part:
    """PCK over the pairs of one category or grade.

    Attributes:
        by: "viewpoint", "scale", "truncation", "occlusion" or "category".
        level: name of the grade, or the category.
        n_pairs: number of its pairs with keypoints.
        n_keypoints: number of keypoints of those.
        pck: (...,) shares from 0 to 1; NaN if it has no pair with keypoints.
    """

    by: str
    level: str
    n_pairs: int
    n_keypoints: int
    pck: NDArray[np.float64]


def labels_of(pairs: Sequence[ImagePair]) -> dict[str, list[object]]:
    """Return the labels for `breakdown`: categories and, if any is known, grades of pairs."""
    pairs = list(pairs)  # a PairSet would build each pair again in every pass below
    found: dict[str, list[object]] = {"category": [pair.category for pair in pairs]}
    for name in LEVELS:
        grades: list[object] = [pair.attributes.get(name) for pair in pairs]
        if any(grade is not None for grade in grades):
            found[name] = grades
    return found


def breakdown(
    truth: GroundTruth,
    correct: ArrayLike,
    labels: Mapping[str, Sequence[object]],
    *,
    mean: str = "image",
) -> list[Part]:
    """Average over the pairs of each category, and over the pairs of each grade.

    Args:
        truth: K keypoints of P pairs.
        correct: (..., K) bool, as `pck.correct` gives it.
        labels: (P,) categories under "category", (P,) grades under names of ``LEVELS``: from
            `labels_of`, or columns of a table.
        mean: as for `pck.aggregate`.

    Returns:
        Every part, in the order of ``labels``, then by grade or alphabet, including grades that no
        pair has.

    Raises:
        SD4MatchError: an unknown name or grade, not one label per pair, a wrong shape, or an
            invalid mean.

    Example:
        >>> found = pck.correct(truth, predicted, alpha=0.1)  # doctest: +SKIP
        >>> breakdown(truth, found, labels_of(pairs))  # doctest: +SKIP
        [Part(by='category', level='aeroplane', n_pairs=690, ...
    """
    found = np.asarray(correct)
    if found.shape[-1:] != truth.pair.shape:
        raise SD4MatchError(
            f"correct has shape {found.shape}: expected (..., {len(truth.pair)}), one per keypoint"
        )
    columns = {name: np.asarray(values, dtype=object) for name, values in labels.items()}
    categories = columns.get("category")
    parts = []
    for by, values in columns.items():
        for level, kept in _levels(by, values, truth.n_pairs):
            part = truth.subset(kept)
            pck = np.full(found.shape[:-1], math.nan)
            if len(part.pair):
                pck = aggregate(
                    part,
                    found[..., kept[truth.pair]],
                    mean=mean,
                    categories=None if categories is None else list(categories[kept]),
                )
            n_pairs = np.count_nonzero(part.n_keypoints)
            parts.append(Part(by, level, int(n_pairs), len(part.pair), pck))
    return parts


def _levels(
    by: str, values: NDArray[np.object_], n_pairs: int
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each level's name, and a (P,) mask of its pairs."""
    if len(values) != n_pairs:
        raise SD4MatchError(f"{len(values)} labels of {by!r} for {n_pairs} pairs: give one each")
    if by == "category":
        levels = {name: name for name in sorted(set(values))}
    else:
        require_known(by, ("category", *LEVELS), what="breakdown")
        levels = dict(enumerate(LEVELS[by]))
    for i, value in enumerate(values):
        if value not in levels:
            raise SD4MatchError(
                f"pair {i} (the first is 0) has {by} {value!r}: expected a grade of SPair-71k, "
                + " or ".join(f"{grade} ({level})" for grade, level in levels.items())
            )
    for value, level in levels.items():
        yield level, np.asarray(values == value, dtype=np.bool_)
