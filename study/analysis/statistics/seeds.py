"""The distribution of an estimate about the truth: images are one source of error, seeds another.

Each source has a standard error that is estimated from few observations, so each adds a Student's t
variable at its own scale. The distribution of their sum is the solution of Behrens and Fisher.
One seed shows nothing about others: the distribution is then for other images and this seed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from study.analysis.statistics.design import Floats

_STEPS = 200


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

    def beyond(self, distance: float) -> float:
        """The chance that the estimate exceeds the truth by more than a distance, of any sign."""
        from scipy.special import stdtr  # SciPy is slow to import, so functions do it

        if not self.seeds or not np.isfinite(self.images):
            return float(stdtr(self.freedom, -distance / self.images))
        narrow, wide = sorted(
            [(self.images, self.freedom), (self.seeds, self.number - 1.0)],
            key=lambda part: part[0],
        )
        moved, weights = _student(narrow[1])
        tails = stdtr(wide[1], (narrow[0] * moved - distance) / wide[0])
        return float(tails @ weights)

    def quantile(self, probability: float) -> float:
        """The distance that the estimate exceeds with a chance of 1 - ``probability``."""
        from scipy.special import stdtrit

        images = self.images * float(stdtrit(self.freedom, probability))
        if not self.seeds or not np.isfinite(images) or probability == 0.5:
            return images
        from scipy.optimize import brentq

        seeds = self.seeds * float(stdtrit(self.number - 1, probability))
        far = images + seeds  # the chance beyond it is smaller, beyond half of it larger
        return float(brentq(lambda x: self.beyond(x) - (1 - probability), 0.3 * far, 1.1 * far))


@lru_cache(maxsize=64)  # a quantile asks for the same again and again
def _student(freedom: float) -> tuple[Floats, Floats]:
    """Points of Student's t and their weights: a sum over evenly spaced normal quantiles."""
    from scipy.special import ndtr, stdtrit

    z = np.linspace(-8.0, 0.0, _STEPS + 1)
    weights = np.exp(-(z**2) / 2)
    below = np.asarray(stdtrit(freedom, ndtr(z)))
    both = np.concatenate([weights, weights[:-1]])
    return np.concatenate([below, -below[:-1]]), both / both.sum()
