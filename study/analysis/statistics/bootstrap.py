"""Bootstrap over the images of a benchmark, scaled to the right standard error.

Pairs of a benchmark share images, so they are not independent: a hard image lowers the PCK of every
pair that it is in. Therefore images, identified by content, are resampled within their category;
a pair's weight is the product of its images' weights (McCullagh 2000; Owen 2007; Davezies,
D'Haultfoeuille and Guyonvarch 2021).

That product counts the noise of a single pair three times (its variance is 3 where images repeat
freely), which would widen intervals by up to 1.7 where pairs differ more than images do. So the
deviations are scaled to the standard error that counts it once, `Design.standard_errors`: simulated
95 % intervals then cover 94 to 96 % on the pairs of SPair-71k and PF-Willow, with image effects and
without (tests/study/analysis/statistics/test_coverage.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CHUNK = 2_000_000  # weights of pairs at a time: 16 MB
_ONE = 2.0**30  # values are rounded to 1e-9: sums of whole numbers below 2^53 are exact


@dataclass(frozen=True, eq=False)
class Design:
    """What pairs and images determine, whatever the configuration: computed once for all.

    Attributes:
        counts: (I, R) how often each of I images was drawn in each of R resamples.
        total: (R,) sum of the pairs' weights; positive.
        source, target: (P,) the pairs' images, as rows of ``counts``.
        category, couple: (P,) codes of the category and of the unordered pair of images.
        unbias: (P,) one over the expectation of a pair's weight.
        freedom: images less categories; pairs less categories where these are fewer.
        inflation: what subtracting category means took from the variance; NaN when too few pairs.
    """

    counts: NDArray[np.float32]
    total: Floats
    source: Integers
    target: Integers
    category: Integers
    couple: Integers
    unbias: Floats
    freedom: int
    inflation: float

    def means(self, values: Floats) -> Floats:
        """The weighted means of K configurations in every resample, as one product of matrices.

        Args:
            values: (K, P).

        Returns:
            (K, R): the same bytes whatever the other rows, the processor or its threads.
        """
        whole = np.rint(values * (self.unbias * _ONE))
        sums = np.empty((len(values), len(self.total)))
        for part, weights in _weights(self.counts, self.source, self.target):
            sums[:, part] = whole @ weights
        return np.asarray(sums / (_ONE * self.total))

    def standard_errors(self, values: Floats) -> Floats:
        """(K,) standard errors of the means of ``values`` (K, P) under image and pair effects.

        Products of residuals from category means are summed over all pairs of pairs with an image
        in common, each once (dyadic cluster-robust variance: Aronow, Samii and Assenova 2015). As
        residuals sum to zero within a category, ``inflation`` makes up for what centering took.
        """
        linked, same = self._variances(values)
        # Without image effects this scatters about zero: cut there, it would cover 98 %.
        return np.asarray(np.sqrt(np.maximum(linked, -same / 4) + same))

    def variances(self, values: Floats) -> Floats:
        """(K,) squares of `standard_errors` whose mean is right: one alone may be negative."""
        linked, same = self._variances(values)
        return linked + same

    def _variances(self, values: Floats) -> tuple[Floats, Floats]:
        means = _sums(self.category, values) / np.bincount(self.category)
        residual = values - means[:, self.category]
        same = np.square(_sums(self.couple, residual)).sum(axis=1)
        of_images = _per_image(self.source, self.target, residual)
        linked = np.square(of_images).sum(axis=1) - 2 * same
        scale = self.inflation / values.shape[1] ** 2
        return linked * scale, same * scale

    def deviations(self, values: Floats, errors: Floats) -> Floats:
        """Resampled means less the means, scaled to standard errors.

        Args:
            values: (K, P).
            errors: (K,) the standard errors they shall show; for few images the scale is that of
                Student's t. Where they are NaN (too few pairs) the scale stays as it is.

        Returns:
            (K, R).
        """
        from scipy.special import ndtri, stdtrit  # SciPy is slow to import, so functions do it

        raw = self.means(values) - values.mean(axis=1, keepdims=True)
        spread = raw.std(axis=1)
        few_images = float(stdtrit(max(self.freedom, 1), 0.975) / ndtri(0.975))
        known = (spread > 1 / _ONE) & np.isfinite(errors)  # less is the rounding's
        scale = np.where(known, few_images * errors / np.where(known, spread, 1.0), 1.0)
        return np.asarray(raw * scale[:, None])


def design(
    source: NDArray[np.integer],
    target: NDArray[np.integer],
    category: NDArray[np.integer],
    *,
    resamples: int,
    seed: int,
) -> Design:
    """The resamples of a set of pairs; remembered, so that comparisons share them.

    Args:
        source, target: (P,) integers that name images by content, P at least 1.
        category: (P,) integers.
        resamples: R.
        seed: the same pairs and seed give the same draws.
    """
    names = (source, target, category)
    packed = [np.asarray(name, dtype=np.int64).tobytes() for name in names]
    return _design(*packed, resamples, seed)


@lru_cache(maxsize=8)
def _design(source: bytes, target: bytes, category: bytes, resamples: int, seed: int) -> Design:
    ends = np.concatenate([np.frombuffer(part, dtype=np.int64) for part in (source, target)])
    strata = np.unique(np.frombuffer(category, dtype=np.int64), return_inverse=True)[1]
    # An image seen in two categories is resampled in each.
    images, rows = np.unique(np.stack([np.tile(strata, 2), ends]), axis=1, return_inverse=True)
    first, second = np.split(rows.reshape(-1), 2)
    unordered = np.sort([first, second], axis=0)
    distinct, couple = np.unique(unordered, axis=1, return_inverse=True)
    couple = couple.reshape(-1)

    sizes, couples = np.bincount(images[0]), np.bincount(images[0][distinct[0]])
    size = sizes[strata]
    unbias = np.where(size > 1, size / np.maximum(size - 1, 1), 1.0)
    rng = np.random.default_rng(seed)
    counts = np.empty((len(images[0]), resamples), dtype=np.float32)
    total, empty = np.zeros(resamples), np.arange(resamples)
    while len(empty):  # a resample that holds no pair has no mean: draw it again
        draws = [rng.multinomial(n, np.full(n, 1 / n), size=len(empty)).T for n in sizes]
        counts[:, empty] = np.concatenate(draws)
        for part, weights in _weights(counts[:, empty], first, second):
            total[empty[part]] = np.rint(unbias * _ONE) @ weights / _ONE
        empty = np.flatnonzero(total <= 0)

    # Of all pairs of pairs of a category, those with no image in common show the centering.
    together = float((np.bincount(strata) ** 2.0).sum())
    degree = _per_image(first, second, np.ones((1, len(first))))
    linked = float((degree**2).sum() - (np.bincount(couple) ** 2.0).sum())
    return Design(
        counts=counts,
        total=total,
        source=first,
        target=second,
        category=strata,
        couple=couple,
        unbias=unbias,
        freedom=int((np.minimum(sizes, couples) - 1).sum()),
        inflation=together / (together - linked) if together > linked else np.nan,
    )


def _weights(
    counts: NDArray[np.float32], source: Integers, target: Integers
) -> Iterator[tuple[slice, Floats]]:
    """The pairs' weights (P, some of R), a part of the resamples at a time."""
    resamples, step = counts.shape[1], max(1, _CHUNK // len(source))
    for start in range(0, resamples, step):
        part = slice(start, start + step)
        some = counts[:, part].astype(np.float64)
        weights = some[source]
        weights *= some[target]
        yield part, weights


def _sums(codes: Integers, values: Floats) -> Floats:
    """(K, n) sums of ``values`` (K, P) over the pairs of each of n codes."""
    return np.stack([np.bincount(codes, weights=row) for row in values])


def _per_image(source: Integers, target: Integers, values: Floats) -> Floats:
    """(K, I) sums of ``values`` (K, P) over the pairs of each image."""
    return _sums(np.concatenate([source, target]), np.tile(values, 2))
