"""Standard errors of means over seeds and pairs, and of differences of which few pairs tell.

Rows come as one array (K, S, P) of K rows with S seeds and P pairs each.
"""

import numpy as np

from study.analysis.statistics.design import Design, Floats

_DOUBT = 2.25  # pairs: a bound of 1.96 * 1.5 = 3 pairs of P when none differs (rule of three)
_LEAST = 0.25  # of the squared error of means over seeds: both parts together are not smaller
_MANY = 60  # pairs that differ: 2^-60 is no limit


def errors(pairs: Design, values: Floats) -> tuple[Floats, Floats]:
    """The two parts of the standard errors of means over seeds and pairs: by images, by seeds.

    Args:
        pairs: the design.
        values: (K, S, P) PCK or differences.

    Returns:
        (K,) and (K,); the second is 0 for a single seed.
    """
    rows, number, size = values.shape
    whole = pairs.standard_errors(values.mean(axis=1))
    if number == 1:
        return whole, np.zeros(rows)
    seeds = values.mean(axis=2).std(axis=1, ddof=1) / np.sqrt(number)
    # What differs between seeds from image to image is in both parts: this is how much.
    own = values - values.mean(axis=1, keepdims=True)
    each = np.square(pairs.standard_errors(own.reshape(-1, size))).reshape(rows, number)
    within = each.sum(axis=1) / (number * (number - 1))
    # Few pairs on a scale of few steps can have equal means by luck: both parts would be near 0.
    least = np.maximum(whole**2 * _LEAST - seeds**2, 0.0)
    return np.sqrt(np.maximum(whole**2 - within, least)), seeds


def gap_errors(pairs: Design, gains: Floats) -> tuple[Floats, Floats]:
    """`errors` of differences (K, S, P), with an allowance where few pairs differ.

    None that differs leaves a bound of three pairs (the rule of three); each one that does halves
    this. And D pairs that differ cannot say more than a sign test of D: that all went one way has
    a chance of 2^(1-D).
    """
    from scipy.special import stdtrit  # SciPy is slow to import, so functions do it

    images, seeds = errors(pairs, gains)
    differ = np.count_nonzero(gains.any(axis=1), axis=1)
    chance = 2.0 ** -np.minimum(differ, _MANY).astype(float)
    images = np.sqrt(images**2 + _DOUBT * chance / gains.shape[2] ** 2)
    signs = np.where(differ > 1, -stdtrit(pairs.freedom, np.minimum(chance, 0.25)), np.inf)
    return np.maximum(images, np.abs(gains.mean(axis=(1, 2))) / signs), seeds
