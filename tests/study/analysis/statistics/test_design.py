"""Standard errors against what they are said to be, written as plain loops."""

import numpy as np
import pytest

from study.analysis.statistics.design import design
from study.analysis.statistics.stats import PairSamples, differences


def pairs_of(sizes, number, rng):
    """``number`` pairs of different images in every category of so many images."""
    parts, first = [], 0
    for size in sizes:
        parts += [rng.choice(size, 2, replace=False) + first for _ in range(number)]
        first += size
    source, target = np.array(parts).T
    return source, target, np.repeat(np.arange(len(sizes)), number)


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
    found = design(source, target, category).standard_errors(values[None])
    assert found == pytest.approx([expected])


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [5, 8, 20])
def test_few_pairs_without_a_common_image_cover_as_a_t_test_does(pairs):
    """They have as many degrees of freedom as pairs, not as images: 90 % of 5 would be covered."""
    rng, number = np.random.default_rng(0), 2000
    where = np.arange(pairs), np.arange(pairs) + pairs, np.zeros(pairs, dtype=int)
    rows = [{0: PairSamples(row, *where)} for row in rng.normal(0, 0.1, (number, pairs))]
    gaps = differences(rows, {0: PairSamples(np.zeros(pairs), *where)})
    assert 0.92 <= np.mean([gap.low <= 0 <= gap.high for gap in gaps]) <= 0.97


def test_a_category_of_one_pair_says_nothing_and_spoils_nothing():
    rng = np.random.default_rng(0)
    source, target, category = pairs_of((8,), 30, rng)
    more = np.append(source, 8), np.append(target, 9), np.append(category, 1)
    values = rng.random((1, 31))
    alone = design(source, target, category)
    both = design(*more)
    assert both.freedom == alone.freedom == 7
    without = alone.standard_errors(values[:, :30]) * 30 / 31
    assert both.standard_errors(values) == pytest.approx(without, rel=0.01)


def test_categories_of_one_pair_each_tell_no_standard_error():
    source = np.arange(4)
    drawn = design(source, source + 4, source)
    assert np.isnan(drawn.standard_errors(np.random.default_rng(0).random((2, 4)))).all()
