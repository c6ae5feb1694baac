"""How many more pairs or seeds a difference needs to be found with a chance of 80 %."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from study.analysis.statistics.seeds import Spread
from study.analysis.statistics.stats import LEVEL, Difference

POWER = 0.8
"""The chance with which a needed sample finds the difference."""
_OBSERVED = 0.8  # level of the interval of the observed effect that makes the range
_MOST = 1e9  # times what there is: where that is too little, infinitely much is


@dataclass(frozen=True)
class Needed:
    """How many more pairs with the seeds as they are, or more seeds with the pairs as they are.

    Attributes:
        pairs, seeds: (fewest, most); 0 where there are enough, infinity where this alone cannot do
            it, NaN where nothing is known: for seeds where there is one.
    """

    pairs: tuple[float, float]
    seeds: tuple[float, float]


ENOUGH = Needed((0.0, 0.0), (0.0, 0.0))


def needed(gap: Difference, *, comparisons: int, effect: float | None = None) -> Needed:
    """How many more pairs, or more seeds, would show a difference with 80 % power.

    A two-sided test at 5 % over the number of comparisons, Holm's first and hardest step. Its power
    is a noncentral t distribution's, at the degrees of freedom that the larger sample has (Chow,
    Shao and Wang, *Sample Size Calculations in Clinical Research*, 2008, section 3.2). The square
    of one part of the error falls with the number of pairs (of more images, as many pairs an image
    as now), that of the other with the number of seeds.

    Args:
        gap: what was found.
        comparisons: how many rows of the column are compared with the baseline.
        effect: the difference to be found, in [0, 1]. By default the observed one, which is itself
            uncertain: its 80 % interval makes the range.
    """
    if gap.reason is not None:
        return Needed((np.nan, np.nan), (np.nan, np.nan))
    if effect is not None:
        small = large = effect
    else:
        low, high = gap.interval_at(_OBSERVED)
        large = max(abs(low), abs(high))
        small = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    spread, level = gap.spread, LEVEL / comparisons

    def pairs(times: float) -> Spread:
        images = spread.images / np.sqrt(times)
        return Spread(images, spread.freedom * times, spread.seeds, spread.number)

    def seeds(times: float) -> Spread:
        error = spread.seeds / np.sqrt(times)
        return Spread(spread.images, spread.freedom, error, round(spread.number * times))

    more = [_more(pairs, gap.pairs, found, level) for found in (large, small)]
    if spread.number == 1:
        return Needed((more[0], more[1]), (np.nan, np.nan))
    also = [_more(seeds, spread.number, found, level) for found in (large, small)]
    return Needed((more[0], more[1]), (also[0], also[1]))


def power(effect: float, spread: Spread, *, level: float = LEVEL) -> float:
    """The chance that a two-sided test finds a difference.

    Args:
        effect: the true difference.
        spread: its true standard errors, and their degrees of freedom.
        level: of the test.
    """
    from scipy.special import nctdtr  # SciPy is slow to import

    error = spread.error
    # Welch and Satterthwaite's degrees of freedom for the sum of two variances.
    parts = spread.images**4 / spread.freedom + spread.seeds**4 / max(spread.number - 1, 1)
    critical = spread.quantile(1 - level / 2) / error
    return 1 - float(nctdtr(error**4 / parts, effect / error, critical))


def _more(of: Callable[[float], Spread], have: int, effect: float, level: float) -> float:
    """How many more than ``have`` give `POWER`; ``of``: the spread of so many times as many."""

    def enough(number: float) -> bool:
        return power(effect, of(number / have), level=level) >= POWER

    if enough(have):
        return 0.0
    if effect == 0 or not enough(_MOST * have):
        return np.inf
    few, many = float(have), 2.0 * have
    while not enough(many):
        few, many = many, 2 * many
    while many - few > max(1.0, 1e-3 * many):
        middle = np.floor((few + many) / 2)
        few, many = (few, middle) if enough(middle) else (middle, many)
    return float(many) - have
