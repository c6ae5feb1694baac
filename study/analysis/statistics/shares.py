"""Intervals of a share: Wilson's, and the exact one of Clopper and Pearson."""

from dataclasses import replace

import numpy as np

from study.analysis.statistics.seeds import Spread

_NORMAL = 1.96  # of 95 %, where all pairs are right and there is no error to go by
_FEWEST = 0.3


def wilson(
    mean: float, spread: Spread, probability: float, pairs: int, mixed: int
) -> tuple[float, float]:
    """Wilson's interval for as many independent pairs as would have this error.

    When all pairs are alike the error is 0 whatever their number. So P pairs count as P then, and
    as at most four times as many for each of the ``mixed`` ones that are not all right (or all
    wrong). Near 0 and 1 the error rests on the few that went the other way, ``number * rare``.

    Args:
        mean: the share, in [0, 1].
        spread: its errors.
        probability: of each end, such as 0.975.
        pairs, mixed: how many there are, and how many are not all right (or all wrong).
    """
    share, quantile, number = min(max(mean, 0.0), 1.0), _NORMAL, float(pairs)
    if spread.error > 0:
        number = min(share * (1 - share) / spread.error**2, pairs * 4.0**mixed)
        rare = min(share, 1 - share)
        slack = (1 - 2 * rare) ** 2 / max(number * rare, _FEWEST)
        freedom = max(1 / (1 / spread.freedom + slack), 1.0)
        quantile = replace(spread, freedom=freedom).quantile(probability) / spread.error
    if number <= 0:
        return 0.0, 1.0
    part = quantile**2 / number
    middle, half = share + part / 2, np.sqrt(part * (share * (1 - share) + part / 4))
    return float((middle - half) / (1 + part)), float((middle + half) / (1 + part))


def exact(mean: float, pairs: float, level: float) -> tuple[float, float]:
    """Clopper and Pearson's (1934) interval of independent pairs, all right or all wrong.

    No share of correct keypoints varies more than right and wrong with the same mean.

    Args:
        mean: the share, in [0, 1].
        pairs: how many; no whole number where they count for less than they are.
        level: of the interval, such as 0.95.
    """
    from scipy.special import betaincinv  # SciPy is slow to import

    share, tail = min(max(mean, 0.0), 1.0), (1 - level) / 2
    right, wrong = pairs * share, pairs * (1 - share)
    low = betaincinv(right, wrong + 1, tail) if right > 0 else 0.0
    high = betaincinv(right + 1, wrong, 1 - tail) if wrong > 0 else 1.0
    return float(low), float(high)
