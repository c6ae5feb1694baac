"""The distribution of an estimate about the truth: images are one source of error, seeds another.

Each source's variance is estimated from few observations, with its own degrees of freedom. A
quantile is the mean of their two quantiles of Student's t, weighted by the variances (Cochran and
Cox, *Experimental Designs*, 1950). With two seeds, the solution of Behrens and Fisher rejects as
little as 1 % instead of 5 %, that of Welch and Satterthwaite up to 12 %, with p-values in the far
tail, which Holm's correction reads, up to a hundred times too small; this one, 2 to 6 %
(docs/explanation/statistics.md).

One seed shows nothing about others: the distribution is then for other images and this seed.
"""

from dataclasses import dataclass

import numpy as np

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
        """The distance that the estimate exceeds with a chance of 1 - ``probability``."""
        return -self._below(1 - probability)

    def beyond(self, distance: float) -> float:
        """The chance that the estimate exceeds the truth by more than a distance, of any sign."""
        from scipy.special import stdtr  # SciPy is slow to import, so functions do it

        if not np.isfinite(self.error) or self.error == 0:
            return np.nan
        if not self.seeds:
            return float(stdtr(self.freedom, -distance / self.error))
        if distance < 0:
            return 1 - self.beyond(-distance)
        low, high = -200.0, float(np.log(0.5))  # the chance's logarithm: `_below` ascends in it
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self._below(float(np.exp(middle))) < -distance
            low, high = (middle, high) if below else (low, middle)
        return float(np.exp(high))

    def _below(self, chance: float) -> float:
        """The quantile of a chance up to one half; negative."""
        from scipy.special import stdtrit

        images = float(stdtrit(self.freedom, chance))
        if not self.seeds or not np.isfinite(self.images):
            return self.images * images
        seeds = float(stdtrit(self.number - 1, chance))
        return (self.images**2 * images + self.seeds**2 * seeds) / self.error
