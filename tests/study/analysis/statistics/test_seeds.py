"""The distribution of an estimate with few seeds, against Student's t and simulated studies."""

import numpy as np
import pytest
from scipy.stats import t

from study.analysis.statistics.seeds import Spread


@pytest.mark.parametrize(("freedom", "error"), [(1.5, 0.1), (22.4, 0.03), (300, 1.0)])
def test_with_one_seed_it_is_students(freedom, error):
    spread = Spread(error, freedom)
    for probability in (0.5, 0.9, 0.975, 0.999875):
        distance = spread.quantile(probability)
        assert distance == pytest.approx(error * t(freedom).ppf(probability))
        assert spread.beyond(distance) == pytest.approx(1 - probability)
        assert spread.beyond(-distance) == pytest.approx(probability)


def test_with_seeds_it_weighs_their_quantiles_by_variance():
    spread = Spread(0.03, 40.0, 0.04, 3)
    assert spread.error == pytest.approx(0.05)
    images, seeds = t(40).ppf(0.975), t(2).ppf(0.975)
    mean = 0.36 * images**1.25 + 0.64 * seeds**1.25
    assert spread.quantile(0.975) == pytest.approx(0.05 * mean ** (1 / 1.25))
    for chance in (0.3, 0.025, 1e-4):
        assert spread.beyond(spread.quantile(1 - chance)) == pytest.approx(chance)
        assert spread.beyond(-spread.quantile(1 - chance)) == pytest.approx(1 - chance)
    assert Spread(0.03, 40.0, 1e-9, 2).quantile(0.975) == pytest.approx(0.03 * t(40).ppf(0.975))


def test_what_the_pairs_cannot_tell_has_no_distribution():
    for spread in (Spread(np.nan, np.nan), Spread(np.nan, np.nan, 0.1, 3)):
        assert np.isnan([spread.quantile(0.9), spread.beyond(0.1), spread.error]).all()
