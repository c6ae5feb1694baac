"""The sample size that a difference needs, against simulated tests of that size."""

import math

import numpy as np
import pytest

from study.analysis.statistics.power import ENOUGH, needed, power
from study.analysis.statistics.seeds import Spread
from study.analysis.statistics.stats import LEVEL, Difference

DRAWS = 2000
"""Monte Carlo error of a power of 80 %: 0.9 points."""


def found(effect, true, level, rng):
    """The share of simulated studies of this spread whose test finds the effect."""
    images, seeds = (
        sd * np.sqrt(rng.chisquare(freedom, DRAWS) / freedom)
        for sd, freedom in ((true.images, true.freedom), (true.seeds, max(true.number - 1, 1)))
    )
    seen = rng.normal(effect, true.error, DRAWS)
    return np.mean([
        2 * Spread(i, true.freedom, s, true.number).beyond(abs(x)) < level
        for x, i, s in zip(seen, images, seeds, strict=True)
    ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("comparisons", [1, 5])
@pytest.mark.parametrize("effect", [0.02, 0.05])
def test_needed_pairs_find_it_with_80_percent(effect, comparisons):
    rng = np.random.default_rng(3)
    gap = Difference(effect, Spread(0.3 / math.sqrt(20), 19.0), 20)
    pairs, same = needed(gap, comparisons=comparisons, effect=effect).pairs
    assert pairs == same > 0
    times = (20 + pairs) / 20
    true = Spread(gap.spread.images / math.sqrt(times), 19 * times)
    assert found(effect, true, LEVEL / comparisons, rng) == pytest.approx(0.8, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("images", "seeds", "effect"), [(0.003, 0.03, 0.03), (0.006, 0.02, 0.03)])
def test_needed_seeds_find_it_with_80_percent(images, seeds, effect):
    """Normal quantiles would reach 53 to 68 % (docs/explanation/method.md section 11)."""
    rng = np.random.default_rng(4)
    gap = Difference(effect, Spread(images, 200.0, seeds, 3), 240)
    more, _ = needed(gap, comparisons=4, effect=effect).seeds
    number = 3 + int(more)

    def of(number):
        return Spread(images, 200.0, seeds * math.sqrt(3 / number), number)

    assert found(effect, of(number), LEVEL / 4, rng) == pytest.approx(0.8, abs=0.05)
    assert (
        power(effect, of(number - 1), level=LEVEL / 4)
        < 0.8
        <= power(effect, of(number), level=LEVEL / 4)
    )


def test_an_observed_difference_needs_a_range():
    gap = Difference(0.01, Spread(0.005, 100.0), 240)
    low, high = needed(gap, comparisons=1).pairs
    exact, _ = needed(gap, comparisons=1, effect=0.01).pairs
    assert 0 <= low < exact < high < math.inf
    # An interval that includes 0 allows differences that no sample shows.
    assert needed(Difference(0.002, gap.spread, 240), comparisons=1).pairs[1] == math.inf
    assert needed(Difference(0.05, gap.spread, 240), comparisons=1) == needed(
        gap, comparisons=1, effect=0.5
    )
    assert needed(gap, comparisons=1, effect=0.5).pairs == ENOUGH.pairs


def test_what_cannot_be_known_or_done_has_no_number():
    alone = needed(Difference(0.01, Spread(0.005, 100.0), 240), comparisons=3)
    assert np.isnan(alone.seeds).all()  # one seed says nothing about others
    lucky = Difference(0.01, Spread(0.0001, 100.0, 0.01, 3), 240)
    assert needed(lucky, comparisons=1, effect=0.01).pairs == (math.inf, math.inf)
    nothing = Difference(0.01, Spread(math.nan, 1.0), 1, "a single pair")
    assert np.isnan(needed(nothing, comparisons=1).pairs).all()
