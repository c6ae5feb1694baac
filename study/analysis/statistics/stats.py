"""Confidence intervals of PCK, paired differences with p-values, and Holm's correction.

One distribution (`study.analysis.statistics.seeds.Spread`) gives a difference's interval and its
p-values, so they cannot disagree: p < 0.05 exactly when 0 is outside the 95 % interval, and a
difference is equivalent at 5 % exactly when its 90 % interval lies within the margin.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study.analysis.statistics.design import Design, Floats, design
from study.analysis.statistics.errors import errors, gap_errors
from study.analysis.statistics.seeds import Spread
from study.analysis.statistics.shares import exact, wilson

LEVEL = 0.05
"""A difference is marked when its corrected p-value is below this."""


@dataclass(frozen=True, eq=False)
class PairSamples:
    """One configuration's PCK of every pair that counts (those with keypoints).

    Attributes:
        pck: (P,) each pair's share of correct keypoints, in [0, 1].
        source, target: (P,) integers that name the images by content: equal bytes, equal number.
        category: (P,) integers. For PF-Willow give the object (car, duck, ...), since its
            sub-classes share images (docs/explanation/method.md section 2).
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
    """A mean PCK over seeds and pairs and its confidence interval.

    Attributes:
        mean, low, high: in [0, 1]; bounds are NaN where there is a ``reason``.
        seeds: how many were measured.
        reason: why the pairs tell no bounds, such as "nearly all pairs share an image".
    """

    mean: float
    low: float
    high: float
    seeds: int = 1
    reason: str | None = None


@dataclass(frozen=True)
class Difference:
    """A row minus the baseline on the same pairs and seeds.

    Attributes:
        effect: difference of mean PCK.
        spread: the distribution of ``effect`` about the true difference: standard error by images
            and by seeds, and their degrees of freedom.
        pairs: how many it rests on; seeds are in ``spread``.
        reason: why the pairs tell no bounds; then all bounds and p-values are NaN.
    """

    effect: float
    spread: Spread
    pairs: int
    reason: str | None = None

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.interval_at(1 - LEVEL)[0]

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.interval_at(1 - LEVEL)[1]

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference: below 0.05 exactly when 0 is outside (low, high)."""
        return min(2 * self.spread.beyond(abs(self.effect)), 1.0)

    def interval_at(self, level: float) -> tuple[float, float]:
        """The interval of any level, such as 0.9, within [-1, 1]."""
        reach = self.spread.quantile((1 + level) / 2)
        # Differences of shares; NaN stays NaN.
        low, high = np.clip([self.effect - reach, self.effect + reach], -1.0, 1.0)
        return float(low), float(high)

    def p_beyond(self, margin: float) -> float:
        """The p-value of a true difference of at least ``margin`` (positive), of either sign.

        Below 0.05, the two configurations are equivalent: two one-sided tests, of which this is
        the larger p-value. That is so exactly when the 90 % interval lies within the margin.
        """
        return self.spread.beyond(margin - abs(self.effect))


def interval(samples: PairSamples) -> Interval:
    """`intervals` of one configuration."""
    return intervals([{0: samples}])[0]


def difference(a: PairSamples, b: PairSamples) -> Difference:
    """`differences` of one configuration ``a`` to another, ``b``."""
    (found,) = differences([{0: a}], {0: b})
    assert found is not None
    return found


def intervals(rows: Sequence[Row], *, level: float = 0.95) -> list[Interval]:
    """Mean PCK over seeds and pairs of each row, and its interval.

    Wilson's interval for as many independent pairs as would have this standard error, or the exact
    one for as many as there are at least, whichever is narrower: of few pairs near 0 and 1, nearly
    all alike, the standard error is hardly known.

    Args:
        rows: what was measured; all on the same pairs.
        level: coverage of the interval.

    Returns:
        Means and bounds in [0, 1]; a row's do not depend on the other rows.

    Raises:
        SD4MatchError: when there are no pairs, or rows have different ones.
    """
    if not rows:
        return []
    pairs, found = design_of(rows), []
    for row in rows:
        values = _stack(row)
        spread, mean = _spread(pairs, values, errors), float(values.mean())
        bounds = np.nan, np.nan
        if pairs.reason is None:
            of_pairs = values.mean(axis=0)
            mixed = int(min((of_pairs > 0).sum(), (of_pairs < 1).sum()))
            bounds = wilson(mean, spread, (1 + level) / 2, len(of_pairs), min(mixed, 99))
            if spread.seeds == 0:
                bounds = min(bounds, exact(mean, pairs.fewest, level), key=np.ptp)
        found.append(Interval(mean, *bounds, len(values), pairs.reason))
    return found


def differences(rows: Sequence[Row], baseline: Row) -> list[Difference | None]:
    """Mean PCK of each row minus that of the baseline, paired in images and in seeds.

    Only the seeds that both have count: what differs is then the setting, not the luck.

    Args:
        rows, baseline: on the same pairs in the same order.

    Returns:
        One per row; None where it has no seed in common with the baseline.

    Raises:
        SD4MatchError: when the pairs differ or there are none.
    """
    shared = [[s for s in row if s in baseline] for row in rows]
    tested = [place for place, seeds in enumerate(shared) if seeds]
    if not tested:
        return [None] * len(rows)
    pairs = design_of([baseline, *(rows[place] for place in tested)])
    gains = [
        _stack({s: rows[place][s] for s in shared[place]})
        - _stack({s: baseline[s] for s in shared[place]})
        for place in tested
    ]
    result: list[Difference | None] = [None] * len(rows)
    for place, gain in zip(tested, gains, strict=True):
        spread = _spread(pairs, gain, gap_errors)
        result[place] = Difference(float(gain.mean()), spread, gain.shape[1], pairs.reason)
    return result


def require_same_pairs(a: PairSamples, b: PairSamples) -> None:
    """Refuse to compare what was measured on different pairs.

    Raises:
        SD4MatchError: pairs, or their order or categories, differ.
    """
    for name in ("source", "target", "category"):
        ours, theirs = getattr(a, name), getattr(b, name)
        if ours is not theirs and not np.array_equal(ours, theirs):
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


def verdict(effect: float, p_value: float, p_equivalent: float) -> str:
    """What a difference says, given the smallest difference that matters.

    Args:
        effect: the difference.
        p_value: of no difference, corrected for the number of comparisons.
        p_equivalent: of a difference that matters (`Difference.p_beyond`), corrected too.

    Returns:
        ``equivalent`` (too small to matter, even where it is significant), ``better``, ``worse``,
        or ``undecided``.
    """
    if p_equivalent < LEVEL:
        return "equivalent"
    if p_value < LEVEL:
        return "better" if effect > 0 else "worse"
    return "undecided"


def design_of(rows: Sequence[Row]) -> Design:
    """The design of some rows' pairs, which must be the same.

    Raises:
        SD4MatchError: they are not, or there is none.
    """
    first, *others = [samples for row in rows for samples in row.values()]
    for other in others:
        require_same_pairs(other, first)
    if len(first.pck) == 0:
        raise SD4MatchError("statistics of 0 pairs: no pair of this split has a common keypoint")
    return design(first.source, first.target, first.category)


def _spread(
    pairs: Design, values: Floats, of: Callable[[Design, Floats], tuple[Floats, Floats]]
) -> Spread:
    """The spread of the mean of (S, P) values."""
    (images,), (seeds,) = of(pairs, values[None])
    return Spread(float(images), pairs.freedom, float(seeds), len(values))


def _stack(row: Row) -> Floats:
    return np.stack([row[seed].pck for seed in sorted(row)])
