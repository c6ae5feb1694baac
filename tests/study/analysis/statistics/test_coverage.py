"""Do intervals cover what they should? Simulated PCK on the pairs of SPair-71k and PF-Willow.

Per-pair PCK is a share of 8 keypoints whose log odds have effects of images and of pairs. A share
of N data sets has a Monte Carlo error of sqrt(0.05 * 0.95 / N): 0.5 % of 2,000, 0.7 % of 1,000."""

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit
from scipy.stats import ttest_1samp

from study.analysis.statistics.power import needed
from study.analysis.statistics.seeds import Spread
from study.analysis.statistics.stats import Difference, PairSamples, differences, intervals


def spair():
    """12,234 of the ordered pairs of 27 images in each of 18 categories."""
    rng = np.random.default_rng(0)
    every = np.array([(i, j) for i in range(27) for j in range(27) if i != j])
    sizes = [680 if c < 12 else 679 for c in range(18)]
    parts = [every[rng.permutation(702)[:n]] + 27 * c for c, n in enumerate(sizes)]
    source, target = np.concatenate(parts).T
    assert len(source) == 12_234
    return source, target, source // 27


def willow():
    """All 900 ordered pairs in 10 sub-classes of 10; three of an object overlap by five images."""
    every = np.array([(i, j) for i in range(10) for j in range(10) if i != j])
    firsts = [(20 * o + shift, o) for o in range(3) for shift in (0, 5, 10)] + [(60, 3)]
    source, target = np.concatenate([every + first for first, _ in firsts]).T
    assert len(np.unique(source)) == 70
    return source, target, np.repeat([o for _, o in firsts], 90)


def odds(pairs, number, rng, *, image, pair):
    """(number, P) log odds with effects of images, the same as source and as target."""
    source, target, _ = pairs
    effect = rng.normal(0, image, (number, source.max() + 1))
    return effect[:, source] + effect[:, target] + rng.normal(0, pair, (number, len(source)))


def pck(log_odds, rng):
    return rng.binomial(8, expit(log_odds)) / 8


def rows_of(values, pairs):
    return [{0: PairSamples(row, *pairs)} for row in values]


def share(found, truth):
    return np.mean([one.low <= truth <= one.high for one in found])


@pytest.mark.slow
@pytest.mark.parametrize(("image", "pair"), [(0.8, 0.3), (0.2, 0.3), (0.0, 0.3)])
def test_intervals_of_means_cover_95_percent(image, pair):
    pairs, rng = willow(), np.random.default_rng(0)
    values = pck(1 + odds(pairs, 2000, rng, image=image, pair=pair), rng)
    nodes, weights = hermegauss(60)
    truth = weights @ expit(1 + np.hypot(np.sqrt(2) * image, pair) * nodes) / weights.sum()
    assert 0.93 <= share(intervals(rows_of(values, pairs)), truth) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "number", "own"), [(willow, 2000, 0.3), (willow, 2000, 0.0), (spair, 1000, 0.3)]
)
def test_differences_cover_95_percent_and_alarm_5_percent(make, number, own):
    """Two configurations that do not differ: common effects of images, and effects of their own."""
    pairs, rng = make(), np.random.default_rng(0)
    found = []
    for _ in range(number // 250):
        common = 1 + odds(pairs, 250, rng, image=0.8, pair=0.3)
        a, b = (pck(common + odds(pairs, 250, rng, image=own, pair=0.3), rng) for _ in range(2))
        # One baseline a call: what is resampled are the differences.
        zero = PairSamples(np.zeros(len(pairs[0])), *pairs)
        found += differences(rows_of(a - b, pairs), {0: zero})
    assert 0.93 <= share(found, 0) <= 0.97
    assert 0.03 <= np.mean([gap.p_value < 0.05 for gap in found]) <= 0.07


def test_the_simulation_tells_methods_apart():
    """Pairs taken as independent are far too sure."""
    pairs, rng = willow(), np.random.default_rng(0)
    values = odds(pairs, 200, rng, image=0.3, pair=0.3)
    assert np.mean(ttest_1samp(values, 0, axis=1).pvalue < 0.05) > 0.3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "between", "most"), [(2, 0.02, 0.99), (3, 0.02, 0.98), (5, 0.02, 0.97), (5, 0, 0.97)]
)
def test_means_over_few_seeds_cover_at_least_95_percent(seeds, between, most):
    """The standard error of the images is about 0.015; one more part differs by seed and image."""
    pairs, rng, number = willow(), np.random.default_rng(0), 1000
    common = 0.5 + odds(pairs, number, rng, image=0.05, pair=0.1)
    values = [
        common
        + odds(pairs, number, rng, image=0.02, pair=0.1)
        + rng.normal(0, between, (number, 1))
        for _ in range(seeds)
    ]
    rows = [
        {n: PairSamples(of_seed[k], *pairs) for n, of_seed in enumerate(values)}
        for k in range(number)
    ]
    assert 0.93 <= share(intervals(rows), 0.5) <= most
    zero = PairSamples(np.full(900, 0.5), *pairs)
    gaps = differences(rows, dict.fromkeys(range(seeds), zero))
    assert 0.93 <= share(gaps, 0) <= most
    assert 1 - most - 0.01 <= np.mean([gap.p_value < 0.05 for gap in gaps]) <= 0.07


@pytest.mark.slow
def test_resampling_three_seeds_would_be_too_sure():
    """Percentile intervals of three seeds go from the least to the largest mean, and cover 75 %."""
    rng = np.random.default_rng(0)
    means = rng.normal(0, 1, (4000, 3))
    drawn = means @ (rng.multinomial(3, np.full(3, 1 / 3), size=2000).T / 3)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.75, abs=0.02)


@pytest.mark.slow
def test_with_as_many_more_pairs_as_needed_four_in_five_differences_are_resolved():
    rng, effect, noise, pairs = np.random.default_rng(0), 0.03, 0.1, 30
    gap = Difference(effect, Spread(noise / np.sqrt(pairs), pairs - 1), pairs)
    more, _ = needed(gap, comparisons=1, effect=effect).pairs
    many = pairs + int(more)
    assert 88 <= many <= 91  # (1.96 + 0.84)^2 * 0.1^2 / 0.03^2 = 87.2, and Student's t
    where = np.arange(many), np.arange(many) + many, np.zeros(many, dtype=int)
    values = effect + rng.normal(0, noise, (1000, many))
    gaps = differences(rows_of(values, where), {0: PairSamples(np.zeros(many), *where)})
    assert np.mean([gap.low > 0 for gap in gaps]) == pytest.approx(0.8, abs=0.04)
