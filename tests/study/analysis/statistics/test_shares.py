"""Intervals of a share near 0 and 1, against SciPy's."""

import numpy as np
import pytest
from scipy.stats import binomtest

from study.analysis.statistics.shares import exact
from study.analysis.statistics.stats import PairSamples, interval


@pytest.mark.parametrize("right", [0, 1, 7, 10])
def test_the_exact_interval_is_that_of_a_binomial_test(right):
    expected = binomtest(right, 10).proportion_ci(0.9)
    assert exact(right / 10, 10, 0.9) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("pairs", [10, 60, 240])
def test_one_wrong_pair_of_many_tells_as_much_as_in_an_exact_interval(pairs):
    """The standard error rests on that pair alone: by itself it would give 29 to 100 % of 60."""
    ends = np.arange(pairs)
    samples = PairSamples(np.append(np.ones(pairs - 1), 0.0), ends, ends + pairs, 0 * ends)
    found, expected = interval(samples), binomtest(pairs - 1, pairs).proportion_ci()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
