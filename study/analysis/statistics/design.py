"""The standard error of a mean over pairs that share images, and its degrees of freedom.

Pairs of a benchmark share images, so they are not independent: a hard image lowers the PCK of every
pair that it is in. Images are identified by content and belong to a category.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LARGE = 20_000_000  # couples times images of a category: 160 MB
_MOST = 4.0  # centering that takes three quarters of a category's variance leaves too little,
_MANY = 10.0  # unless many categories tell it together: with so many degrees of freedom


@dataclass(frozen=True, eq=False)
class Design:
    """What pairs and images determine, whatever the configuration: computed once for all.

    Attributes:
        source, target: (P,) the pairs' images, as numbers from 0.
        category, couple: (P,) codes of the category and of the unordered pair of images.
        freedom: of `standard_errors`: how many independent squares vary as much as theirs.
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
        return None if np.isfinite(self.inflation) else "nearly all pairs share an image"

    @cached_property
    def fewest(self) -> float:
        """As many independent pairs as these count for at least: all that share an image alike."""
        images = np.bincount(np.concatenate([self.source, self.target]))
        linked = np.square(images).sum() - np.square(np.bincount(self.couple)).sum()
        return float(len(self.source) ** 2 / linked)

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
    names = np.frombuffer(category, dtype=np.int64)
    _, strata, sizes = np.unique(names, return_inverse=True, return_counts=True)
    # Categories of one pair show no variation each, so they count as one category together.
    strata = np.unique(np.where(sizes[strata] == 1, -1, strata), return_inverse=True)[1]
    found = _within(ends, strata)
    # Categories too small to give an error: all pairs give it together, and it holds what differs
    # between categories too.
    return found if np.isfinite(found.inflation) else _within(ends, np.zeros_like(strata))


def _within(ends: Integers, strata: Integers) -> Design:
    """The design of pairs (first ends, then second ends) in categories."""
    # An image seen in two categories counts in each.
    images, rows = np.unique(np.stack([np.tile(strata, 2), ends]), axis=1, return_inverse=True)
    first, second = np.split(rows.reshape(-1), 2)
    unordered = np.sort([first, second], axis=0)
    couple = np.unique(unordered, axis=1, return_inverse=True)[1].reshape(-1)
    inflation, freedom = _moments(first, second, strata, couple, images[0])
    return Design(first, second, strata, couple, freedom, inflation)


def _moments(
    first: Integers, second: Integers, strata: Integers, couple: Integers, of_image: Integers
) -> tuple[float, float]:
    """`Design.inflation` and `Design.freedom`: what the sum of squares is on average, how variable.

    Both are exact for normal effects of images and normal noise of pairs, of equal variance: the
    sum of squares is a quadratic form r' A r of such values, whose mean is tr(A S) and whose
    variance is 2 tr(A S A S), S their covariance (Satterthwaite 1946; Bell and McCaffrey 2002).
    Of a category with very many images, one degree for each image less one is close enough.
    """
    wanted = mean = square = 0.0
    for category in range(strata.max() + 1):
        mine, here = strata == category, np.flatnonzero(of_image == category)
        ends = np.searchsorted(here, np.stack([first[mine], second[mine]]))
        codes, pairs_of = np.unique(couple[mine], return_inverse=True)
        number, images = int(mine.sum()), len(here)
        size = np.bincount(pairs_of).astype(float)  # pairs of a couple
        if len(codes) * images > _LARGE:
            degree = np.bincount(ends.reshape(-1)).astype(float)
            linked, total = float((degree**2).sum() - (size**2).sum()), number + (degree**2).sum()
            left = float(total) * (1 - linked / number**2)
            wanted, mean, square = wanted + total, mean + left, square + left**2 / (images - 1)
            continue
        by_couple = np.zeros((len(codes), images))  # how often a couple's pairs hold an image
        for end in ends:
            np.add.at(by_couple, (pairs_of, end), 1.0)
        degree = by_couple.sum(axis=0)
        shared = np.zeros((images, images))  # pairs that hold two images
        for one, two in (ends, ends[::-1]):
            np.add.at(shared, (one, one), 1.0)
            np.add.at(shared, (one, two), 1.0)
        # Less the means of the category: what images' effects add to sums of couples and of images.
        u = by_couple - np.outer(size, degree) / number
        v = shared - np.outer(degree, degree) / number
        # Sums of squares of their covariances, noise and effects having equal variance.
        both, squares = u + u @ v, float((size**2).sum())
        noise = squares - 2 * float((size**3).sum()) / number + (squares / number) ** 2
        mixed = float((size @ u**2).sum()) - float(np.square(size @ u).sum()) / number
        couples = noise + 2 * mixed + float(np.square(u.T @ u).sum())
        images_sums = v + v @ v
        wanted += number + float((degree**2).sum())
        mean += float(np.trace(images_sums)) - (number - squares / number + float((u**2).sum()))
        square += float((images_sums**2).sum() - 2 * (both**2).sum()) + couples
    if mean * _MOST < wanted and (mean * _MOST**2 < wanted or mean**2 < _MANY * square):
        return np.nan, np.nan
    return wanted / mean, mean**2 / square


def _sums(codes: Integers, values: Floats) -> Floats:
    """(K, n) sums of ``values`` (K, P) over the pairs of each of n codes."""
    return np.stack([np.bincount(codes, weights=row) for row in values])
