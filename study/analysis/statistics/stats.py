"""Confidence intervals of PCK, paired differences with p-values, and Holm's correction.

A bootstrap over images (`study.analysis.statistics.bootstrap`), paired between configurations, with
training seeds as a second level (`study.analysis.statistics.seeds`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study.analysis.statistics.bootstrap import Design, Floats, design
from study.analysis.statistics.seeds import Resampled, resample

LEVEL = 0.05
"""A difference is marked when its corrected p-value is below this."""
_SEEN = 10  # with fewer resamples beyond zero, a counted p-value is too coarse


@dataclass(frozen=True, eq=False)
class PairSamples:
    """One configuration's PCK of every pair that counts (those with keypoints).

    Attributes:
        pck: (P,) each pair's share of correct keypoints, in [0, 1].
        source, target: (P,) integers that name the images by content: equal bytes, equal number.
        category: (P,) integers. An image is resampled among those of its category. For PF-Willow
            give the object (car, duck, ...), since its sub-classes share images
            (docs/explanation/method.md section 2).
    """

    pck: Floats
    source: NDArray[np.integer]
    target: NDArray[np.integer]
    category: NDArray[np.integer]

    def part(self, of: NDArray[np.bool_]) -> "PairSamples":
        """Some of the pairs: those where ``of`` (P,) is true."""
        return PairSamples(self.pck[of], self.source[of], self.target[of], self.category[of])


Row = Mapping[int, PairSamples]
"""What was measured of one row of a table: seed to samples, all of the same pairs."""


@dataclass(frozen=True)
class Interval:
    """A mean PCK over seeds and pairs and its confidence interval; NaN for a single pair."""

    mean: float
    low: float
    high: float
    seeds: int = 1


@dataclass(frozen=True)
class Difference:
    """A row minus the baseline on the same pairs and seeds.

    Attributes:
        effect: difference of mean PCK.
        low, high: its interval; NaN for a single pair.
        p_value: two-sided, of no difference.
        pairs, seeds: how many it rests on.
        images_error, seeds_error: the standard error's two parts, that more pairs and that more
            seeds would make smaller; squares add up. The latter is NaN for a single seed.
    """

    effect: float
    low: float
    high: float
    p_value: float
    pairs: int
    seeds: int
    images_error: float
    seeds_error: float


def interval(
    samples: PairSamples, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """`intervals` of one configuration."""
    return intervals([{0: samples}], level=level, resamples=resamples, seed=seed)[0]


def difference(
    a: PairSamples, b: PairSamples, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Difference:
    """`differences` of one configuration ``a`` to another, ``b``."""
    (found,) = differences([{0: a}], {0: b}, level=level, resamples=resamples, seed=seed)
    assert found is not None
    return found


def intervals(
    rows: Sequence[Row], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> list[Interval]:
    """Mean PCK over seeds and pairs of each row, and its bootstrap interval.

    Bounds are set on the scale of log odds, where the error of a share near 1 is symmetric, by the
    delta method. Where all pairs are right, or all wrong, resamples are alike and the bounds too.

    Args:
        rows: what was measured; all on the same pairs.
        level: coverage of the interval.
        resamples: how many times the images are drawn.
        seed: of the draws: the same pairs and seed give the same draws for every configuration.

    Returns:
        Means and bounds in [0, 1]; a row's do not depend on the other rows.

    Raises:
        SD4MatchError: when there are no pairs, or rows have different ones.
    """
    if not rows:
        return []
    drawn = design_of(rows, resamples, seed)
    found = resample(drawn, [_stack(row) for row in rows], seed)
    return [
        Interval(mean, *_bounds(mean, tails), seeds=len(row))
        for row, mean, tails in zip(
            rows, found.means.tolist(), _tails(found.deviations, level), strict=True
        )
    ]


def differences(
    rows: Sequence[Row],
    baseline: Row,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> list[Difference | None]:
    """Mean PCK of each row minus that of the baseline, paired in images and in seeds.

    Only the seeds that both have count: what differs is then the setting, not the luck.

    The p-value is the share of resampled differences beyond zero, doubled; where fewer than ten
    are, Student's t with the same standard error says how small it is, since Holm's correction of
    many rows needs more digits than a count has. It is never below what flipping the signs of the
    m pairs that differ could give, 2^(1-m): two pairs prove nothing.

    Args:
        rows, baseline: on the same pairs in the same order.
        level, resamples, seed: as for `intervals`.

    Returns:
        One per row; None where it has no seed in common with the baseline.

    Raises:
        SD4MatchError: when the pairs differ or there are none.
    """
    shared = [[s for s in row if s in baseline] for row in rows]
    tested = [place for place, seeds in enumerate(shared) if seeds]
    if not tested:
        return [None] * len(rows)
    drawn = design_of([baseline, *(rows[place] for place in tested)], resamples, seed)
    gains = [
        _stack({s: rows[place][s] for s in shared[place]})
        - _stack({s: baseline[s] for s in shared[place]})
        for place in tested
    ]
    found = resample(drawn, gains, seed)
    result: list[Difference | None] = [None] * len(rows)
    tails = _tails(found.deviations, level)
    for k, (place, gain) in enumerate(zip(tested, gains, strict=True)):
        effect, (low, high) = float(found.means[k]), tails[k]
        result[place] = Difference(
            effect=effect,
            low=effect + low,
            high=effect + high,
            p_value=_p_value(effect, found, k, gain, drawn.freedom),
            pairs=gain.shape[1],
            seeds=len(gain),
            images_error=float(found.images[k]),
            seeds_error=float(found.seeds[k]) if len(gain) > 1 else np.nan,
        )
    return result


def require_same_pairs(a: PairSamples, b: PairSamples) -> None:
    """Refuse to compare what was measured on different pairs.

    Raises:
        SD4MatchError: pairs, or their order or categories, differ.
    """
    for name in ("source", "target", "category"):
        if not np.array_equal(getattr(a, name), getattr(b, name)):
            raise SD4MatchError(
                f"a paired difference needs the same pairs in the same order: {len(a.pck)} and "
                f"{len(b.pck)} pairs, whose {name}s differ; score both on the same subset"
            )


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Holm's (1979) step-down correction: p-values that may be compared with one level as a family.

    Args:
        p_values: (M,) unadjusted; NaN entries (nothing was tested) stay NaN and do not count.

    Returns:
        (M,) adjusted p-values in the same order.
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(values, np.nan)
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return adjusted


def _tails(deviations: Floats, level: float) -> list[list[float]]:
    tails: list[list[float]] = np.quantile(
        deviations, [(1 - level) / 2, (1 + level) / 2], axis=1
    ).T.tolist()
    return tails


def _bounds(mean: float, tails: Sequence[float]) -> tuple[float, float]:
    if not 0 < mean < 1:
        return mean + tails[0], mean + tails[1]
    from scipy.special import expit, logit

    low, high = expit(logit(mean) + np.asarray(tails) / (mean * (1 - mean)))
    return float(low), float(high)


def _p_value(effect: float, found: Resampled, k: int, gain: Floats, freedom: int) -> float:
    from scipy.special import stdtr

    resampled = effect + found.deviations[k]
    beyond = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    p_value = 2 * (beyond + 1) / (len(resampled) + 1)
    images, seeds = found.images[k] ** 2, found.seeds[k] ** 2
    if beyond < _SEEN and images + seeds > 0:
        # Welch and Satterthwaite's degrees of freedom for the sum of two variances.
        parts = images**2 / max(freedom, 1) + seeds**2 / max(len(gain) - 1, 1)
        tail = stdtr((images + seeds) ** 2 / parts, -abs(effect) / np.sqrt(images + seeds))
        p_value = min(p_value, 2 * float(tail))
    smallest = 2.0 ** (1 - int(np.count_nonzero(gain.mean(axis=0))))
    return min(max(p_value, smallest), 1.0)


def _stack(row: Row) -> Floats:
    return np.stack([row[seed].pck for seed in sorted(row)])


def design_of(rows: Sequence[Row], resamples: int, seed: int) -> Design:
    """How the images of some rows are resampled; all have the same pairs.

    Raises:
        SD4MatchError: they have not, or there is none.
    """
    first, *others = [samples for row in rows for samples in row.values()]
    for other in others:
        require_same_pairs(other, first)
    if len(first.pck) == 0:
        raise SD4MatchError("statistics of 0 pairs: no pair of this split has a common keypoint")
    return design(first.source, first.target, first.category, resamples=resamples, seed=seed)
