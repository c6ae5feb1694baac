"""Seeds as the second level of the bootstrap: the confidence interval of a mean over S seeds.

Seeds are few, and resampling them shows too little: the percentile interval of three goes from the
least to the largest, and covers 75 % where nothing else varies. So each resample of the images
moves the mean by a draw from Student's t with S - 1 degrees of freedom, at the scale of the
standard error that the S means show. That is the solution of Behrens and Fisher for two sources of
error, known to err on the safe side: simulated 95 % intervals cover 94 to 97 % from three seeds on,
and 96 to 98.5 % with two, where they are also very wide
(tests/study/analysis/statistics/test_coverage.py).

One seed shows nothing about others: an interval is then for other images and this seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from study.analysis.statistics.bootstrap import Design, Floats


@dataclass(frozen=True, eq=False)
class Resampled:
    """K rows in R resamples.

    Attributes:
        means: (K,) over seeds and pairs.
        images, seeds: (K,) the two parts of their standard errors: squares add up. Images' are
            NaN where pairs are too few to tell, seeds' are 0 where there is one.
        deviations: (K, R) resampled means less the means; NaN for a single pair.
    """

    means: Floats
    images: Floats
    seeds: Floats
    deviations: Floats


def resample(drawn: Design, rows: Sequence[Floats], seed: int) -> Resampled:
    """Both levels of the bootstrap.

    Args:
        drawn: the resamples of the pairs.
        rows: K arrays of (S, P) values, S seeds each.
        seed: of the draws for seeds: rows with as many seeds get the same.
    """
    values = np.stack([row.mean(axis=0) for row in rows])
    between, within = np.zeros(len(rows)), np.zeros(len(rows))
    for k, row in enumerate(rows):
        if (number := len(row)) > 1:
            between[k] = row.mean(axis=1).var(ddof=1) / number
            # What differs between seeds from image to image is in both parts: this is how much.
            own = np.nan_to_num(drawn.standard_errors(row - values[k]))
            within[k] = np.square(own).sum() / (number * (number - 1))
    whole = drawn.standard_errors(values)
    images = np.sqrt(np.maximum(whole**2 - within, 0.0))
    images[whole == 0] = np.nan  # no variation within categories: nothing to scale by
    deviations = drawn.deviations(values, images)
    for number in sorted({len(row) for row in rows} - {1}):
        chosen = [k for k, row in enumerate(rows) if len(row) == number]
        draws = _seed_draws(number, deviations.shape[1], seed)
        deviations[chosen] += np.sqrt(between[chosen])[:, None] * draws
    if values.shape[1] == 1:
        deviations[:] = np.nan  # one pair says nothing about others
    return Resampled(values.mean(axis=1), images, np.sqrt(between), deviations)


def _seed_draws(number: int, resamples: int, seed: int) -> Floats:
    """(R,) evenly spaced quantiles of Student's t for so many seeds, in random order."""
    from scipy.special import stdtrit

    quantiles = stdtrit(number - 1, (np.arange(resamples) + 0.5) / resamples)
    return np.random.default_rng([seed, number]).permutation(quantiles)
