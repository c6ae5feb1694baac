"""The distribution of an estimate about the truth: images are one source of error, seeds another.

Each source's variance is estimated from few observations, with its own degrees of freedom. A
quantile is the power mean of order 5/4 of their two quantiles of Student's t, weighted by the
variances. Order 1 (Cochran and Cox, *Experimental Designs*, 1950) is too sure in the tails that
Holm's correction reads; order 2 (Banerjee, *Sankhya* 23, 1961) is never too sure, and far too
careful with two seeds (docs/explanation/statistics.md).

One seed shows nothing about others: the distribution is then for other images and this seed.
"""

from dataclasses import dataclass

import numpy as np

from study.analysis.statistics.design import Floats

_ORDER = 1.25
_HALVINGS = 60  # from a chance of a half down to e^-200


@dataclass(frozen=True)
class Spread:
    """How far an estimate may lie from the truth; the one source of intervals and p-values.

    Attributes:
        images: the part of the standard error that more pairs would make smaller; NaN where the
            pairs cannot tell it.
        freedom: its degrees of freedom.
        seeds: the part that more seeds would make smaller; 0 for a single seed.
        number: of seeds; their degrees of freedom are one less.
    """

    images: float
    freedom: float
    seeds: float = 0.0
    number: int = 1

    @property
    def error(self) -> float:
        """The whole standard error."""
        return float(np.hypot(self.images, self.seeds))

    def quantile(self, probability: float) -> float:
        """The distance, from a half up, that is exceeded with a chance of 1 - ``probability``."""
        return self._distance(1 - probability)

    def beyond(self, distance: float) -> float:
        """The chance that the estimate exceeds the truth by more than a distance, of any sign."""
        from scipy.special import stdtr  # SciPy is slow to import, so functions do it

        if not np.isfinite(self.error) or self.error == 0:
            return np.nan
        if not self.seeds:
            return float(stdtr(self.freedom, -distance / self.error))
        if distance < 0:
            return 1 - self.beyond(-distance)
        low, high = -200.0, float(np.log(0.5))  # the chance's logarithm: distances fall with it
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            above = self._distance(float(np.exp(middle))) > distance
            low, high = (middle, high) if above else (low, middle)
        return float(np.exp(high))

    def _distance(self, chance: float) -> float:
        return float(distances(self.images, self.freedom, self.seeds, self.number, chance))


def distances(
    images: Floats | float, freedom: float, seeds: Floats | float, number: int, chance: float
) -> Floats:
    """What estimates of such a `Spread` exceed the truth by with a chance of at most one half."""
    from scipy.special import stdtrit

    of_images = abs(float(stdtrit(freedom, chance)))
    of_seeds = abs(float(stdtrit(number - 1, chance))) if number > 1 else of_images
    error: Floats = np.hypot(images, seeds)
    part = np.square(np.divide(seeds, error, out=np.zeros_like(error), where=error > 0))
    mean = (1 - part) * np.power(of_images, _ORDER) + part * np.power(of_seeds, _ORDER)
    return np.asarray(error * np.power(mean, 1 / _ORDER))
