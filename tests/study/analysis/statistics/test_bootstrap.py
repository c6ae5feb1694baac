"""The resamples against what they are said to be, written as plain loops."""

import numpy as np
import pytest

from study.analysis.statistics.bootstrap import design
from study.analysis.statistics.stats import PairSamples, differences


def pairs_of(sizes, number, rng):
    """``number`` pairs of different images in every category of so many images."""
    parts, first = [], 0
    for size in sizes:
        parts += [rng.choice(size, 2, replace=False) + first for _ in range(number)]
        first += size
    source, target = np.array(parts).T
    return source, target, np.repeat(np.arange(len(sizes)), number)


def test_a_pair_weighs_the_product_of_its_images_drawn_within_their_category():
    rng, sizes = np.random.default_rng(0), (3, 8, 5)
    source, target, category = pairs_of(sizes, 40, rng)
    drawn = design(source, target, category, resamples=200, seed=1)
    image_of, rows = np.unique([source, target], return_inverse=True)
    assert len(image_of) == sum(sizes) == len(drawn.counts)
    for c, size in enumerate(sizes):
        mine = drawn.counts[np.unique(rows.reshape(2, -1)[:, category == c])]
        assert (mine.sum(axis=0) == size).all()
        assert (mine > 1).any()
    values = rng.random((2, len(source)))
    # Two different images of n come together 1 - 1/n times as often as in the data.
    fair = 1 / (1 - 1 / np.array(sizes)[category])
    for r in range(200):
        weights = fair * drawn.counts[drawn.source, r] * drawn.counts[drawn.target, r]
        expected = [np.average(row, weights=weights) for row in values]
        assert drawn.means(values)[:, r] == pytest.approx(expected, abs=1e-8)


def test_standard_errors_are_sums_over_pairs_of_pairs_with_an_image_in_common():
    rng = np.random.default_rng(0)
    source, target, category = pairs_of((6, 9), 30, rng)  # some couples come twice or turned round
    number = len(source)
    image = rng.normal(0, 1, 15)
    values = image[source] + image[target] + rng.normal(0, 0.1, number)
    centred = values.copy()
    for c in (0, 1):
        centred[category == c] -= values[category == c].mean()
    summed, linked, together = 0.0, 0, 0
    for a in range(number):
        for b in range(number):
            common = {source[a], target[a]} & {source[b], target[b]}
            summed += centred[a] * centred[b] if common else 0
            linked += bool(common)
            together += category[a] == category[b]
    expected = np.sqrt(summed * together / (together - linked)) / number
    found = design(source, target, category, resamples=2, seed=0).standard_errors(values[None])
    assert found == pytest.approx([expected])


def test_deviations_show_the_standard_error_of_student_for_few_images():
    source, target, category = pairs_of((40, 40), 300, np.random.default_rng(0))
    values = np.random.default_rng(1).random((1, 600))
    drawn = design(source, target, category, resamples=500, seed=0)
    found = drawn.deviations(values, np.array([0.02]))
    assert drawn.freedom == 78
    assert found.std() == pytest.approx(0.02 * 1.9908 / 1.96, rel=1e-4)  # t(78) at 97.5 %


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [5, 8, 20])
def test_few_pairs_without_a_common_image_cover_as_a_t_test_does(pairs):
    """They have as many degrees of freedom as pairs, not as images: 90 % of 5 would be covered."""
    rng, number = np.random.default_rng(0), 2000
    where = np.arange(pairs), np.arange(pairs) + pairs, np.zeros(pairs, dtype=int)
    rows = [{0: PairSamples(row, *where)} for row in rng.normal(0, 0.1, (number, pairs))]
    gaps = differences(rows, {0: PairSamples(np.zeros(pairs), *where)}, resamples=1000)
    assert 0.92 <= np.mean([gap.low <= 0 <= gap.high for gap in gaps]) <= 0.97


def test_a_category_of_one_pair_says_nothing_and_spoils_nothing():
    rng = np.random.default_rng(0)
    source, target, category = pairs_of((8,), 30, rng)
    more = np.append(source, 8), np.append(target, 9), np.append(category, 1)
    values = rng.random((1, 31))
    alone = design(source, target, category, resamples=50, seed=0)
    both = design(*more, resamples=50, seed=0)
    assert both.freedom == alone.freedom == 7
    without = alone.standard_errors(values[:, :30]) * 30 / 31
    assert both.standard_errors(values) == pytest.approx(without, rel=0.01)
    assert np.isfinite(both.deviations(values, without)).all()


def test_categories_of_one_pair_each_tell_no_standard_error():
    source = np.arange(4)
    drawn = design(source, source + 4, source, resamples=20, seed=0)
    assert np.isnan(drawn.standard_errors(np.random.default_rng(0).random((2, 4)))).all()
