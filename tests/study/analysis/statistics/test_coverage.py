"""Do intervals and stars hold? The hardest cells of ``python -m benchmarks coverage``.

Each has a fixed seed and its own Monte Carlo error, two of which widen the bounds. The whole grid
is in docs/explanation/statistics.md."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchmarks import coverage, simulated_pairs
from benchmarks.mixed_model import MixedModel
from study.analysis.statistics.stats import PairSamples, difference, differences, intervals


def within(share, low, high, sets):
    """Whether a share of data sets is in [low, high], give or take two Monte Carlo errors."""
    below, above = (2 * np.sqrt(bound * (1 - bound) / sets) for bound in (low, high))
    return low - below <= share <= high + above


@pytest.mark.slow
def test_false_alarms_where_images_differ_most():
    """Few pairs, images with effects of SD 1.5 on the log odds: 2,000 sets, error 0.5 points."""
    sets, odds = 2000, simulated_pairs.LEVELS["65 %, strong"]
    gaps = coverage.simulate(simulated_pairs.spair(60), odds, sets, rows=4)
    assert within(gaps.found(0.05)[:, 0].mean(), 0.03, 0.07, sets)
    assert within(gaps.families(4), 0.0, 0.07, sets)


@pytest.mark.slow
def test_false_alarms_of_two_seeds_that_matter():
    """Two trainings, whose effect of SD 0.3 is forty times that of the images: 2,000 sets."""
    sets, odds = 2000, coverage.trained("65 %", 0.3)
    gaps = coverage.simulate(simulated_pairs.pascal(), odds, sets, rows=4, seeds=2)
    assert within(gaps.found(0.05).mean(), 0.03, 0.07, sets)
    assert within(gaps.families(4), 0.0, 0.07, sets)


@pytest.mark.slow
def test_two_seeds_with_equal_means_by_luck():
    """60 pairs at 96 %, where means of two seeds are often equal: far tails, 8,000 p-values."""
    sets, odds = 2000, coverage.trained("96 %", 0.05)
    gaps = coverage.simulate(simulated_pairs.spair(60), odds, sets, rows=4, seeds=2)
    assert within(gaps.found(0.0025).mean(), 0.0, 0.005, 4 * sets)
    assert within(gaps.found(0.05).mean(), 0.03, 0.07, sets)


@pytest.mark.slow
def test_intervals_near_1_where_images_are_in_many_pairs():
    """97 % on PF-Willow, whose 70 images are in 26 pairs each: 1,000 sets, error 0.8 points."""
    sets, odds, pairs = 1000, simulated_pairs.Odds(0.97, 1.5, 0.0), simulated_pairs.willow()
    (values,) = simulated_pairs.drawn(pairs, odds, sets, np.random.default_rng(0), rows=0)
    found = intervals([{0: PairSamples(row[0], *pairs)} for row in values])
    assert within(np.mean([one.low <= 0.97 <= one.high for one in found]), 0.93, 0.97, sets)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 3])
def test_the_simulation_finds_what_differences_find(seeds):
    pairs, odds = simulated_pairs.spair(60), coverage.trained("65 %", 0.15)
    gaps = coverage.simulate(pairs, odds, 20, rows=2, seeds=seeds)
    rng = np.random.Generator(np.random.SFC64(0))  # as `simulate` does
    rows = simulated_pairs.drawn(pairs, odds, 20, rng, rows=2, seeds=seeds)
    base, *others = [
        [{s: PairSamples(of[s], *pairs) for s in range(seeds)} for of in row] for row in rows
    ]
    for k in range(20):
        p_values = [gap.p_value for gap in differences([row[k] for row in others], base[k])]
        for level in (0.05, 0.3, 0.8):
            assert gaps.found(level)[k].tolist() == [p < level for p in p_values]


def test_the_simulation_tells_methods_apart():
    """Pairs taken as independent are far too sure."""
    odds = simulated_pairs.Odds(0.65, 0.0, 1.5)
    gains = coverage.simulate(simulated_pairs.willow(), odds, 200).of_pairs
    assert np.mean(ttest_1samp(gains, 0, axis=1).pvalue < 0.05) > 0.3


def test_the_mixed_model_of_pairs_without_a_common_image_is_a_t_test():
    gains = np.random.default_rng(0).normal(0.1, 1, (20, 30))
    pairs = simulated_pairs.a_slice(30, shared=False)
    expected = np.abs(ttest_1samp(gains, 0, axis=1).statistic)
    assert MixedModel(pairs).z(gains) == pytest.approx(expected)


@pytest.mark.parametrize("size", [1, 1 / 8])
@pytest.mark.parametrize("differ", [0, 1, 2])
@pytest.mark.parametrize("name", simulated_pairs.DESIGNS)
def test_few_pairs_that_differ_leave_a_bound_of_a_few_pairs(name, differ, size):
    """No evidence, and none that none could be: p and interval agree."""
    pairs = simulated_pairs.DESIGNS[name]()
    number = len(pairs[0])
    pck = np.zeros(number)
    pck[[3, number // 2][:differ]] = size
    gap = difference(PairSamples(pck, *pairs), PairSamples(np.zeros(number), *pairs))
    assert gap.effect * number == pytest.approx(differ * size)
    assert gap.low < 0 < gap.high
    assert gap.p_value > 0.05
    assert 1.5 <= gap.high * number <= 8
    if not differ:
        assert gap.p_value == 1
        assert gap.high * number == pytest.approx(3, rel=0.06)
