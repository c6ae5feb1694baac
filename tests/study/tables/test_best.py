"""The report of the best configuration."""

from math import nan

import pytest

from study.space import labels
from study.tables import best
from study.tables.best import best_report


@pytest.mark.slow
def test_the_best_tells_the_seeds_that_it_is_the_mean_of(seeded):
    _, text = best_report(seeded, None)
    assert "%, mean over seeds 0, 1, 2): configuration" in text
    facts, text = best_report(seeded, None, "seed > 0")
    assert "mean over seeds 1, 2)" in text
    of_prompt = f"prompt = '{facts['settings']['prompt']}'"
    two = [seeded.best(where=f"seed = {n} AND {of_prompt}").iloc[-1] for n in (1, 2)]
    assert facts["value"] == pytest.approx(sum(two) / 2)
    assert "mean over" not in best_report(seeded, None, "seed = 1")[1]


@pytest.mark.slow
def test_the_best_tells_its_ties_its_optimism_and_its_one_seed(answered, seeded):
    facts, text = best_report(answered, None)
    assert facts["compared"] == len(answered.top())
    assert facts["configuration"] not in facts["tied_with"]
    assert f"Tied with {len(facts['tied_with']) or 'none'}" in text
    assert all(key in text for key in facts["tied_with"][:5])
    assert (facts["optimism"] is None) == (facts["corrected"] is None)
    compared = [facts["configuration"], *facts["tied_with"]]
    learned = answered.configurations().loc[compared, "train.timestep"].notna()
    assert (labels.ONE_SEED in text) == learned.any()
    assert labels.ONE_SEED not in best_report(seeded, None)[1]
    point, text = best_report(answered, "spair/val/pck@0.1/point")
    assert "Tied" not in text
    assert "tied_with" not in point


@pytest.mark.slow
def test_the_best_tells_why_it_has_no_interval(answered):
    scores = answered.scores(answered.best().name)
    done = scores["status"] == "done"
    untold = scores.assign(low=nan, high=nan, reason=scores["reason"].mask(done, "a single pair"))
    assert "no interval: a single pair." in best._score_lines(untold)
    assert "no interval" not in best._score_lines(scores.dropna(subset="low"))
