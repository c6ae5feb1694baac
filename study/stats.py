"""How sure a PCK is, and whether two configurations differ.

A bootstrap over images (`study.bootstrap`), paired between configurations, and Holm's correction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study.bootstrap import Design, Floats, design


@dataclass(frozen=True, eq=False)
class PairSamples:
    """One configuration's PCK of every pair that counts (those with keypoints).

    Attributes:
        pck: (P,) each pair's share of correct keypoints, in [0, 1].
        source, target: (P,) integers that name the images by content: equal bytes, equal number.
        category: (P,) integers. An image is resampled among those of its category. For PF-Willow
            give the object (car, duck, ...): its sub-classes share images (METHOD.md section 2).
    """

    pck: Floats
    source: NDArray[np.integer]
    target: NDArray[np.integer]
    category: NDArray[np.integer]


@dataclass(frozen=True)
class Interval:
    """A mean PCK and its confidence interval; ``low`` and ``high`` are NaN for a single pair."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """``a`` minus ``b`` on the same pairs, with its interval and two-sided p-value."""

    effect: float
    low: float
    high: float
    p_value: float
    pairs: int


def _design_of(samples: PairSamples, resamples: int, seed: int) -> Design:
    if len(samples.pck) == 0:
        raise SD4MatchError("statistics of 0 pairs: no pair of this split has a common keypoint")
    return design(samples.source, samples.target, samples.category, resamples=resamples, seed=seed)


def interval(
    samples: PairSamples, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean PCK over pairs and its bootstrap interval.

    Args:
        samples: what was measured.
        level: coverage of the interval.
        resamples: how many times the images are drawn.
        seed: of the draws: the same pairs and seed give the same draws for every configuration.

    Returns:
        Mean and bounds in [0, 1].

    Raises:
        SD4MatchError: when there are no pairs.
    """
    drawn = _design_of(samples, resamples, seed)
    mean = float(samples.pck.mean())
    if len(samples.pck) == 1:
        return Interval(mean, np.nan, np.nan)
    tails = np.quantile(drawn.deviations(samples.pck), [(1 - level) / 2, (1 + level) / 2])
    low, high = np.clip(mean + tails, 0.0, 1.0)
    return Interval(mean, float(low), float(high))


def difference(
    a: PairSamples, b: PairSamples, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Difference:
    """Mean PCK of ``a`` minus that of ``b``, paired: both see the same resamples.

    The p-value is the share of resampled differences beyond zero, doubled. It is never below what
    flipping the signs of the m pairs that differ could give, 2^(1-m): two pairs prove nothing.

    Args:
        a, b: two configurations on the same pairs in the same order.
        level, resamples, seed: as for `interval`.

    Raises:
        SD4MatchError: when the pairs differ or there are none.
    """
    for name in ("source", "target", "category"):
        if not np.array_equal(getattr(a, name), getattr(b, name)):
            raise SD4MatchError(
                f"a paired difference needs the same pairs in the same order: {len(a.pck)} and "
                f"{len(b.pck)} pairs, whose {name}s differ; score both on the same subset"
            )
    drawn = _design_of(a, resamples, seed)
    gain = a.pck - b.pck
    effect = float(gain.mean())
    if len(gain) == 1:
        return Difference(effect, np.nan, np.nan, 1.0, 1)
    resampled = effect + drawn.deviations(gain)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    beyond = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    smallest = 2.0 ** (1 - int(np.count_nonzero(gain)))
    p_value = min(max(2 * (beyond + 1) / (resamples + 1), smallest), 1.0)
    return Difference(effect, float(low), float(high), p_value, len(gain))


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Holm's step-down correction: p-values that may be compared with one level as a family.

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
