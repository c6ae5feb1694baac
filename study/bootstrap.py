"""Resampling the images of a benchmark, and how large the resampled deviations should be.

Pairs of a benchmark share images, so they are not independent: a hard image spoils every pair it
is in. Images, told apart by content, are therefore what is resampled, within their category, and
a pair's weight is the product of its images' weights.

That product counts the noise of a single pair three times (its variance is 3 where images repeat
freely), which would widen intervals of small samples by up to 1.7. So the deviations are scaled to
the standard error that counts it once, `Design.standard_error`; with it, simulated 95 % intervals
cover 92 to 98 % from 60 pairs to SPair-71k's shape (tests/study/test_stats.py).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ndtri, stdtrit  # scipy.stats takes half a second to import

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CHUNK = 250  # resamples at a time: (images, _CHUNK) stays in the processor's cache


@dataclass(frozen=True, eq=False)
class Design:
    """What pairs and images determine, whatever the configuration: computed once for all.

    Attributes:
        counts: (I, R) how often each of I images was drawn in each of R resamples.
        total: (R,) sum of the pairs' weights; positive.
        source, target: (P,) the pairs' images, as rows of ``counts``.
        category, couple: (P,) codes of the category and of the unordered pair of images.
        unbias: (P,) one over the expectation of a pair's weight.
        freedom: images less categories.
        inflation: what subtracting category means took from the variance; NaN when too few pairs.
    """

    counts: Floats
    total: Floats
    source: Integers
    target: Integers
    category: Integers
    couple: Integers
    unbias: Floats
    freedom: int
    inflation: float

    def means(self, values: Floats) -> Floats:
        """(R,) the weighted mean of ``values`` (P,) in every resample."""
        weighted = _weigh(self.counts, self.source, self.target, self.unbias * values)
        return np.asarray(weighted / self.total)

    def standard_error(self, values: Floats) -> float:
        """Standard error of the mean of ``values`` (P,) under effects of images and of pairs.

        Products of residuals from category means are summed over all pairs of pairs with an image
        in common, each once (dyadic cluster-robust variance: Aronow, Samii and Assenova 2015). As
        residuals sum to zero within a category, ``inflation`` makes up for what centring took.
        """
        means = np.bincount(self.category, values) / np.bincount(self.category)
        residual = values - means[self.category]
        same = float((np.bincount(self.couple, residual) ** 2).sum())
        of_images = _per_image(self.source, self.target, residual)
        linked = max(float((of_images**2).sum()) - 2 * same, 0.0)
        return float(np.sqrt((linked + same) * self.inflation)) / len(values)

    def deviations(self, values: Floats) -> Floats:
        """(R,) resampled means of ``values`` (P,) less their mean, at the right scale."""
        raw = np.asarray(self.means(values) - values.mean())
        spread, wanted = float(raw.std()), self.standard_error(values)
        if not (spread > 0 and wanted > 0):
            return raw  # one pair a category, or no variation at all: nothing to scale by
        few_images = float(stdtrit(max(self.freedom, 1), 0.975) / ndtri(0.975))
        return raw * np.float64(wanted / spread * few_images)


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


@lru_cache(maxsize=16)
def _design(source: bytes, target: bytes, category: bytes, resamples: int, seed: int) -> Design:
    ends = np.concatenate([np.frombuffer(part, dtype=np.int64) for part in (source, target)])
    strata = np.unique(np.frombuffer(category, dtype=np.int64), return_inverse=True)[1]
    # An image seen in two categories is resampled in each.
    images, rows = np.unique(np.stack([np.tile(strata, 2), ends]), axis=1, return_inverse=True)
    first, second = np.split(rows.reshape(-1), 2)
    couple = np.unique(np.sort([first, second], axis=0), axis=1, return_inverse=True)[1].reshape(-1)

    sizes = np.bincount(images[0])
    size = sizes[strata]
    unbias = np.where(size > 1, size / np.maximum(size - 1, 1), 1.0)
    rng = np.random.default_rng(seed)
    counts = np.empty((len(images[0]), resamples))
    total, empty = np.zeros(resamples), np.arange(resamples)
    while len(empty):  # a resample that holds no pair says nothing: draw it again
        draws = [rng.multinomial(n, np.full(n, 1 / n), size=len(empty)).T for n in sizes]
        counts[:, empty] = np.concatenate(draws)
        total[empty] = _weigh(counts[:, empty], first, second, unbias)
        empty = np.flatnonzero(total <= 0)

    # Of all pairs of pairs of a category, those with no image in common show the centring.
    together = float((np.bincount(strata) ** 2.0).sum())
    degree = _per_image(first, second, np.ones(len(first)))
    linked = float((degree**2).sum() - (np.bincount(couple) ** 2.0).sum())
    return Design(
        counts=counts,
        total=total,
        source=first,
        target=second,
        category=strata,
        couple=couple,
        unbias=unbias,
        freedom=len(images[0]) - len(sizes),
        inflation=together / (together - linked) if together > linked else np.nan,
    )


def _per_image(source: Integers, target: Integers, values: Floats) -> Floats:
    """(I,) sums of ``values`` (P,) over the pairs of each image."""
    n = int(max(source.max(), target.max())) + 1
    ends = np.concatenate([source, target])
    return np.bincount(ends, np.tile(values, 2), n).astype(np.float64)


def _weigh(counts: Floats, source: Integers, target: Integers, values: Floats) -> Floats:
    """(R,) sums of ``values`` (P,), each times the counts of its two images."""
    images, resamples = counts.shape
    matrix = sparse.csr_array((values, (source, target)), shape=(images, images))
    total = np.empty(resamples)
    for start in range(0, resamples, _CHUNK):
        part = np.ascontiguousarray(counts[:, start : start + _CHUNK])
        total[start : start + _CHUNK] = np.asarray((matrix @ part) * part).sum(axis=0)
    return total
