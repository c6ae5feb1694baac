"""Simulated PCK of configurations that are alike, on the pairs of the real benchmarks.

A pair's PCK is a share of 8 keypoints whose log odds have effects of images and of pairs: common to
all configurations, and each configuration's own. Effects are normal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
KEYPOINTS = 8
_PASCAL = (15, 30, 10, 6, 8, 32, 19, 27, 13, 3, 8, 24, 9, 27, 12, 7, 1, 13, 20, 15)


@cache
def spair(number: int = 12_234) -> Pairs:
    """Some of the 12,234 ordered pairs of 27 images in each of 18 categories."""
    rng = np.random.default_rng(0)
    every = np.array([(i, j) for i in range(27) for j in range(27) if i != j])
    sizes = [680 if c < 12 else 679 for c in range(18)]
    parts = [every[rng.permutation(702)[:n]] + 27 * c for c, n in enumerate(sizes)]
    kept = np.sort(rng.permutation(12_234)[:number])
    source, target = np.concatenate(parts)[kept].T
    return source, target, source // 27


@cache
def pascal() -> Pairs:
    """299 pairs in 20 classes of PF-Pascal's sizes; most images are in one pair or two."""
    rng, parts, first = np.random.default_rng(1), [], 0
    for category, number in enumerate(_PASCAL):
        images = max(2, round(1.75 * number))
        slots = np.concatenate([rng.permutation(images), rng.permutation(images)])[: 2 * number]
        chosen = rng.permutation(slots).reshape(number, 2)
        while (chosen[:, 0] == chosen[:, 1]).any():
            chosen = rng.permutation(slots).reshape(number, 2)
        parts.append(np.column_stack([chosen + first, np.full(number, category)]))
        first += images
    source, target, category_of = np.concatenate(parts).T
    return source, target, category_of


@cache
def willow() -> Pairs:
    """All 900 ordered pairs in 10 sub-classes of 10; three of an object overlap by five images."""
    every = np.array([(i, j) for i in range(10) for j in range(10) if i != j])
    firsts = [(20 * o + shift, o) for o in range(3) for shift in (0, 5, 10)] + [(60, 3)]
    source, target = np.concatenate([every + first for first, _ in firsts]).T
    return source, target, np.repeat([o for _, o in firsts], 90)


def a_slice(number: int, *, shared: bool) -> Pairs:
    """Pairs of one category: of 27 images as in SPair-71k, or without a common image."""
    if not shared:
        return np.arange(number), np.arange(number) + number, np.zeros(number, dtype=int)
    rng = np.random.default_rng(number)
    every = np.array([(i, j) for i in range(27) for j in range(27) if i != j])
    source, target = every[rng.permutation(702)[:number]].T
    return source, target, np.zeros(number, dtype=int)


DESIGNS = {
    "SPair-71k, 60 pairs": lambda: spair(60),
    "SPair-71k, 240 pairs": lambda: spair(240),
    "PF-Pascal, 299 pairs": pascal,
    "PF-Willow, 900 pairs": willow,
}


@dataclass(frozen=True)
class Odds:
    """Standard deviations of effects on the log odds.

    Attributes:
        pck: the mean PCK.
        image, pair: common to all configurations.
        own: of images, each configuration's; the other configurations' differ from ``base``'s
            where that is given, which makes differences skewed.
        seed: of each training; its effects on images and pairs are 0.2 and 0.3.
    """

    pck: float
    image: float
    own: float
    pair: float = 0.3
    base: float | None = None
    seed: float = 0.0


LEVELS = {
    "65 %": Odds(0.65, 0.8, 0.3),
    "65 %, strong": Odds(0.65, 0.5, 1.5),
    "96 %": Odds(0.96, 1.5, 0.5),
    "96 %, strong": Odds(0.96, 0.5, 1.5),
}


def drawn(
    pairs: Pairs,
    odds: Odds,
    sets: int,
    rng: np.random.Generator,
    *,
    rows: int,
    seeds: int = 1,
    shift: float = 0.0,
) -> Iterator[Floats]:
    """Data sets: a baseline, then ``rows`` configurations, (sets, seeds, P) PCK each.

    Args:
        pairs: whose.
        odds: of a keypoint to be correct.
        sets: how many data sets.
        rng: fixes them.
        rows: how many configurations.
        seeds: trainings of each.
        shift: added to the log odds of all but the baseline.
    """
    source, target, _ = pairs
    shape = sets, int(max(source.max(), target.max())) + 1

    def effects(spread: float) -> Floats:
        image = rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
        noise = rng.standard_normal((sets, len(source)), dtype=np.float32) * np.float32(odds.pair)
        return np.asarray(image[:, source] + image[:, target] + noise)

    common = effects(odds.image)
    for row in range(rows + 1):
        own = odds.own if row or odds.base is None else odds.base
        mine = common + effects(own)
        trained = []
        for _ in range(seeds):
            value = mine + np.float32(shift if row else 0.0)
            if seeds > 1:
                luck = rng.standard_normal((sets, 1), dtype=np.float32)
                value += effects(0.2) + np.float32(odds.seed) * luck
            trained.append(_correct(expit(value + intercept(odds, own, seeds > 1)), rng))
        yield np.stack(trained, axis=1)


def _correct(chance: Floats, rng: np.random.Generator) -> Floats:
    """Shares of keypoints, by 16 bits each: six times as fast as NumPy's binomial."""
    below = np.minimum(chance * np.float32(2**16), 2**16 - 1).astype(np.uint16)
    bits = rng.integers(0, 2**64 - 1, 2 * below.size, dtype=np.uint64, endpoint=True)
    keypoints = bits.view(np.uint16).reshape(KEYPOINTS, *below.shape)
    found = np.zeros(below.shape, dtype=np.uint8)
    for keypoint in keypoints:
        found += keypoint < below
    return found / np.float64(KEYPOINTS)


@cache
def intercept(odds: Odds, own: float, trained: bool) -> float:
    """The log odds at which the mean over images, pairs and trainings is ``odds.pck``."""
    variance = 2 * odds.image**2 + 2 * own**2 + 2 * odds.pair**2
    variance += (2 * 0.2**2 + odds.pair**2 + odds.seed**2) if trained else 0
    nodes, weights = hermegauss(60)
    spread = np.sqrt(variance) * nodes

    def above(middle: float) -> float:
        return float(weights @ expit(middle + spread)) / weights.sum() - odds.pck

    return float(brentq(above, -30, 30))
