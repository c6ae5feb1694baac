"""How many more pairs or seeds would show a difference that was not resolved."""

import numpy as np
from scipy.special import ndtri

from study.stats import LEVEL, Difference

_POWER = 0.8


def needed(gap: Difference, *, comparisons: int) -> tuple[float, float]:
    """How many pairs, or seeds, more would show a difference of this size in a table.

    The usual formula of sample size: a two-sided test at level a finds an effect d with power b
    when its standard error is d / (z(1 - a/2) + z(b)) (Chow, Shao and Wang, *Sample Size
    Calculations in Clinical Research*, 2008, section 3.1). Here b is 80 % and a is 5 % over the
    number of comparisons, Holm's first and hardest step. The square of one part of the error
    falls with the number of pairs (of more images, as many pairs an image as now), that of the
    other with the number of seeds.

    Args:
        gap: what was found; its effect is taken to be the true one.
        comparisons: how many rows of the column are compared with the baseline.

    Returns:
        Additional pairs with the seeds as they are, and additional seeds with the pairs as they
        are. 0 where there are enough; infinity where this alone cannot do it. Seeds are NaN when
        there is one: how much seeds matter is not known then, and pairs are for this seed.
    """
    if not np.isfinite(gap.images_error):
        return np.nan, np.nan
    wanted = (gap.effect / (ndtri(_POWER) - ndtri(LEVEL / comparisons / 2))) ** 2
    images, seeds = gap.images_error**2, np.nan_to_num(gap.seeds_error) ** 2
    pairs = _more(gap.pairs, images, wanted - seeds)
    return pairs, np.nan if gap.seeds == 1 else _more(gap.seeds, seeds, wanted - images)


def _more(there: int, variance: float, allowed: float) -> float:
    if variance <= allowed:
        return 0.0
    return float(np.ceil(there * variance / allowed) - there) if allowed > 0 else np.inf
