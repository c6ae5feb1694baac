"""The standard error of a mean over pairs that share images, and its degrees of freedom.

Pairs of a benchmark share images, so they are not independent: a hard image lowers the PCK of every
pair that it is in. Images are identified by content and belong to a category.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Design:
    """What pairs and images determine, whatever the configuration: computed once for all.

    Attributes:
        source, target: (P,) the pairs' images, as numbers from 0.
        category, couple: (P,) codes of the category and of the unordered pair of images.
        freedom: images less categories; pairs less categories where these are fewer.
        inflation: what subtracting category means took from the variance; NaN when too few pairs.
    """

    source: Integers
    target: Integers
    category: Integers
    couple: Integers
    freedom: float
    inflation: float

    @property
    def reason(self) -> str | None:
        """Why no error can be told; None where it can."""
        if len(self.source) == 1:
            return "a single pair"
        return None if np.isfinite(self.inflation) else "one image is in nearly all pairs"

    def standard_errors(self, values: Floats) -> Floats:
        """(K,) standard errors of the means of ``values`` (K, P) under image and pair effects.

        Products of residuals from category means are summed over all pairs of pairs with an image
        in common, each once (dyadic cluster-robust variance: Aronow, Samii and Assenova 2015). As
        residuals sum to zero within a category, ``inflation`` makes up for what centering took.
        NaN where there is a `reason`.
        """
        linked, same = self._parts(values)
        # Without image effects this scatters about zero: cut there, it would cover 98 %.
        return np.asarray(np.sqrt(np.maximum(linked, -same / 4) + same))

    def variances(self, values: Floats) -> Floats:
        """(K,) squares of `standard_errors` for sums over many: unbiased, so some are negative."""
        linked, same = self._parts(values)
        return linked + same

    def _parts(self, values: Floats) -> tuple[Floats, Floats]:
        residual = self.residuals(values)
        same = np.square(_sums(self.couple, residual)).sum(axis=1)
        linked = np.square(self.image_sums(residual)).sum(axis=1) - 2 * same
        scale = self.inflation / values.shape[1] ** 2
        return linked * scale, same * scale

    def residuals(self, values: Floats) -> Floats:
        """(K, P) ``values`` less their means by category."""
        means = _sums(self.category, values) / np.bincount(self.category)
        return np.asarray(values - means[:, self.category])

    def image_sums(self, values: Floats) -> Floats:
        """(K, I) sums of ``values`` (K, P) over the pairs of each image."""
        return _sums(np.concatenate([self.source, self.target]), np.tile(values, 2))


def design(
    source: NDArray[np.integer], target: NDArray[np.integer], category: NDArray[np.integer]
) -> Design:
    """The design of a set of pairs; remembered, so that comparisons share it.

    Args:
        source, target: (P,) integers that name images by content, P at least 1.
        category: (P,) integers.
    """
    names = (source, target, category)
    return _design(*(np.asarray(name, dtype=np.int64).tobytes() for name in names))


@lru_cache(maxsize=8)
def _design(source: bytes, target: bytes, category: bytes) -> Design:
    ends = np.concatenate([np.frombuffer(part, dtype=np.int64) for part in (source, target)])
    strata = np.unique(np.frombuffer(category, dtype=np.int64), return_inverse=True)[1]
    # An image seen in two categories counts in each.
    images, rows = np.unique(np.stack([np.tile(strata, 2), ends]), axis=1, return_inverse=True)
    first, second = np.split(rows.reshape(-1), 2)
    unordered = np.sort([first, second], axis=0)
    distinct, couple = np.unique(unordered, axis=1, return_inverse=True)
    couple = couple.reshape(-1)
    sizes, couples = np.bincount(images[0]), np.bincount(images[0][distinct[0]])

    # Of all pairs of pairs of a category, those with no image in common show the centering.
    together = float((np.bincount(strata) ** 2.0).sum())
    degree = np.bincount(rows.reshape(-1))
    linked = float((degree**2.0).sum() - (np.bincount(couple) ** 2.0).sum())
    return Design(
        source=first,
        target=second,
        category=strata,
        couple=couple,
        freedom=float((np.minimum(sizes, couples) - 1).sum()),
        inflation=together / (together - linked) if together > linked else np.nan,
    )


def _sums(codes: Integers, values: Floats) -> Floats:
    """(K, n) sums of ``values`` (K, P) over the pairs of each of n codes."""
    return np.stack([np.bincount(codes, weights=row) for row in values])
