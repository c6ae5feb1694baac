"""Confidence intervals, paired differences and Holm's correction."""

import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binomtest, ttest_1samp

from sd4match.errors import SD4MatchError
from study.analysis.statistics.seeds import Spread
from study.analysis.statistics.stats import (
    Difference,
    PairSamples,
    difference,
    differences,
    holm,
    interval,
    intervals,
)


def draw_pairs(categories, images, each, seed=0):
    """``each`` distinct ordered pairs of different images in every category."""
    rng = np.random.default_rng(seed)
    every = np.array([(i, j) for i in range(images) for j in range(images) if i != j])
    parts = [every[rng.permutation(len(every))[:each]] + c * images for c in range(categories)]
    source, target = np.concatenate(parts).T
    return source, target, source // images


def simulate(pairs, image_effect, rng):
    source, target, _ = pairs
    image = rng.normal(0, image_effect, source.max() + target.max())
    return 0.5 + image[source] + image[target] + rng.normal(0, 0.05, len(source))


@pytest.mark.slow
def test_pairs_as_if_independent_would_be_too_sure():
    """The simulation tells methods apart: a t-test on the pairs is wrong far too often."""
    pairs, rng = draw_pairs(6, 15, 100), np.random.default_rng(1)
    alarms = [ttest_1samp(simulate(pairs, 0.05, rng), 0.5).pvalue < 0.05 for _ in range(200)]
    assert np.mean(alarms) > 0.3


def test_paired_difference_is_far_sharper_than_two_intervals():
    pairs, rng = draw_pairs(6, 15, 100), np.random.default_rng(2)
    worse = simulate(pairs, 0.1, rng)
    better = worse + 0.01 + rng.normal(0, 0.02, len(worse))
    a, b = PairSamples(better, *pairs), PairSamples(worse, *pairs)
    gap, one = difference(a, b), interval(a)
    assert gap.low > 0.005
    assert gap.p_value < 0.01
    assert gap.high - gap.low < 0.2 * (one.high - one.low)
    back = difference(b, a)
    assert (back.effect, back.low) == pytest.approx((-gap.effect, -gap.high), abs=1e-12)


def test_a_row_is_the_same_to_the_last_bit_whatever_is_beside_it():
    pairs, rng = draw_pairs(3, 8, 20), np.random.default_rng(0)
    rows = [{0: PairSamples(simulate(pairs, 0.1, rng), *pairs)} for _ in range(7)]
    rows[3] |= {n: PairSamples(simulate(pairs, 0.1, rng), *pairs) for n in (1, 2)}
    together, gaps = intervals(rows), differences(rows[1:], rows[0])
    assert [intervals([row])[0] for row in rows] == together
    for row, gap in zip(rows[1:], gaps, strict=True):
        assert repr(differences([row], rows[0])) == repr([gap])  # NaN equals itself in words


def test_rows_without_a_common_seed_are_not_compared():
    pairs = draw_pairs(2, 5, 6)
    one, two = ({n: PairSamples(np.full(12, n / 4), *pairs)} for n in (1, 2))
    assert differences([one, one | two], two)[0] is None
    gap = differences([one | two], two)[0]
    assert (gap.effect, gap.spread.number) == (0, 1)


def test_equal_configurations_do_not_differ_by_more_than_three_pairs():
    pairs = draw_pairs(3, 8, 20)
    samples = PairSamples(simulate(pairs, 0.1, np.random.default_rng(0)), *pairs)
    same = difference(samples, samples)
    assert (same.effect, same.p_value, same.pairs) == (0, 1, 60)
    assert same.high == -same.low == pytest.approx(3 / 60, rel=0.15)


def test_names_of_images_and_categories_do_not_matter():
    source, target, category = draw_pairs(3, 8, 20)
    pck = simulate((source, target, category), 0.1, np.random.default_rng(0))
    # Order is kept: renaming images by any increasing map changes nothing.
    renamed = PairSamples(pck, source * 7 + 1000, target * 7 + 1000, category.astype(np.int8) + 5)
    assert interval(renamed) == interval(PairSamples(pck, source, target, category))


@pytest.mark.parametrize("name", ["source", "target", "category"])
def test_different_pairs_are_refused(name):
    pairs = dict(zip(("source", "target", "category"), draw_pairs(2, 5, 6), strict=True))
    a = PairSamples(np.ones(12), **pairs)
    b = PairSamples(np.ones(12), **pairs | {name: pairs[name] + 1})
    with pytest.raises(SD4MatchError, match=f"whose {name}s differ") as error:
        difference(a, b)
    assert "\n" not in str(error.value)


def test_no_pairs_is_an_error_and_one_pair_has_no_interval():
    nothing = np.array([], dtype=np.int64)
    with pytest.raises(SD4MatchError, match="0 pairs"):
        interval(PairSamples(nothing.astype(float), nothing, nothing, nothing))
    one = PairSamples(np.array([0.5]), np.array([1]), np.array([2]), np.array([0]))
    found = interval(one)
    assert found.mean == 0.5
    assert np.isnan([found.low, found.high]).all()
    zero = PairSamples(np.array([0.0]), one.source, one.target, one.category)
    assert found.reason == "a single pair"
    assert np.isnan(difference(one, zero).p_value)


def test_two_pairs_that_agree_prove_nothing():
    where = (np.array([1, 3]), np.array([2, 4]), np.array([0, 0]))
    gap = difference(PairSamples(np.ones(2), *where), PairSamples(np.zeros(2), *where))
    assert gap.p_value > 0.2
    assert gap.low < 0


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_any_few_pairs_give_bounds_around_the_mean(pairs, images, seed):
    """Or a reason why they cannot; a pair may repeat an image."""
    rng = np.random.default_rng(seed)
    samples = PairSamples(rng.random(pairs), *rng.integers(0, images, (3, pairs)))
    found = interval(samples)
    if found.reason is None:
        assert 0 <= found.low <= found.mean <= found.high <= 1
    else:
        assert np.isnan([found.low, found.high]).all()


def test_holm():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, np.nan, 0.001]) == pytest.approx([0.6, np.nan, 0.002], nan_ok=True)
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@pytest.mark.slow
def test_spair_sized_comparisons_are_quick():
    pairs = draw_pairs(18, 27, 680)
    rng = np.random.default_rng(0)
    a, b = (PairSamples(rng.random(len(pairs[0])), *pairs) for _ in range(2))
    difference(a, b)
    start = time.perf_counter()
    for _ in range(5):
        difference(a, b)
    assert time.perf_counter() - start < 5  # 0.05 s on an idle core


def sign_of(gap, level):
    low, high = gap.interval_at(level)
    return low > 0 or high < 0


@given(
    st.floats(-0.5, 0.5), st.floats(1e-4, 0.2), st.floats(1, 300), st.floats(0, 0.2),
    st.integers(2, 6), st.floats(0.3, 0.999),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_p_values_and_intervals_never_disagree(effect, images, freedom, seeds, number, level):
    gap = Difference(effect, Spread(images, freedom, seeds, number), 60)
    assert sign_of(gap, level) == (gap.p_value < 1 - level) or gap.p_value == pytest.approx(
        1 - level, rel=1e-6
    )
    margin = 0.1
    low, high = gap.interval_at(0.9)
    inside = -margin < low and high < margin
    assert inside == (gap.p_beyond(margin) < 0.05) or gap.p_beyond(margin) == pytest.approx(0.05)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_pairs_that_are_all_alike_count_as_often_as_they_are(share):
    pairs = draw_pairs(3, 8, 20)
    found = interval(PairSamples(np.full(60, share), *pairs))
    wilson = binomtest(round(60 * share), 60).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=1e-4)
