"""Ties with the best and the optimism of its score, in simulated studies."""

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.choice_uncertainty import choice_uncertainty, optimism_of, ties
from study.analysis.statistics.stats import PairSamples

CONFIGURATIONS, PAIRS, KEYPOINTS = 23, 60, 8
STUDIES = 60


def simulated(rng, scatter):
    """A study of many configurations on few pairs: its rows, and their true means."""
    source = rng.integers(0, PAIRS, PAIRS)
    category = source % 6
    target = (source + 6 * rng.integers(1, 5, PAIRS)) % (PAIRS // 6 * 6)
    hard = rng.normal(0, 0.6, PAIRS)
    pair = hard[source] + hard[target] + rng.normal(0, 0.5, PAIRS)
    level = rng.normal(0, scatter, CONFIGURATIONS)[:, None]
    odds = level + pair + rng.normal(0, 0.8, (CONFIGURATIONS, PAIRS))
    pck = rng.binomial(KEYPOINTS, 1 / (1 + np.exp(-odds))) / KEYPOINTS
    anyone = np.random.default_rng(0).normal(0, np.sqrt(2 * 0.36 + 0.25 + 0.64), 2000)
    true = (1 / (1 + np.exp(-(level + anyone)))).mean(axis=1)
    order = np.argsort(-pck.mean(axis=1), kind="stable")
    return [{0: PairSamples(pck[k], source, target, category)} for k in order], true[order]


@pytest.mark.slow
@pytest.mark.parametrize("scatter", [0.0, 0.16])
def test_the_optimism_of_the_best_score_is_what_it_is_on_average(scatter):
    rng = np.random.default_rng(7)
    told, real = [], []
    for _ in range(STUDIES):
        rows, true = simulated(rng, scatter)
        told.append(optimism_of(rows))
        # Less the luck of the pairs, which all configurations share: it is 0 on average.
        means = np.array([row[0].pck.mean() for row in rows])
        real.append(means[0] - true[0] - (means - true).mean())
    error = np.std(np.array(told) - real) / np.sqrt(STUDIES)
    assert error < 0.005
    assert np.mean(told) == pytest.approx(np.mean(real), abs=0.005 + 2 * error)
    assert np.mean(told) > 0.02  # points that a reader must know of


@pytest.mark.slow
def test_the_truly_best_is_chosen_or_tied():
    rng = np.random.default_rng(8)
    kept = []
    for _ in range(STUDIES):
        rows, true = simulated(rng, 0.3)
        kept.append(int(true.argmax()) in {0, *ties(rows, compared=len(rows))})
    assert np.mean(kept) >= 0.95


def test_one_configuration_is_not_optimistic(made):
    _, samples = made
    row = {0: samples("base", "spair", "val", 0.1)}
    assert optimism_of([row]) == pytest.approx(0, abs=0.002)
    assert ties([row], compared=1) == []
    assert ties([row, row], compared=2) == [1]  # equal predictions are tied


@pytest.mark.slow
def test_a_study_tells_its_ties(answered):
    found = choice_uncertainty(answered, answered.metric)
    assert found.compared == len(answered.top())
    assert set(found.tied) <= set(answered.top().index[1:])
    assert 0 <= found.optimism < 0.5
    with pytest.raises(SD4MatchError, match="averages over pairs only"):
        choice_uncertainty(answered, "spair/val/pck@0.1/point")
