"""The report of the best configuration."""

import pytest

from study.tables.best import best_report


@pytest.mark.slow
def test_the_best_tells_the_seeds_that_it_is_the_mean_of(seeded):
    _, text = best_report(seeded, None)
    assert "%, mean over seeds 0, 1, 2; the scores below are of seed 0): configuration" in text
    facts, text = best_report(seeded, None, "seed > 0")
    assert "mean over seeds 1, 2; the scores below are of seed 1" in text
    of_prompt = f"prompt = '{facts['settings']['prompt']}'"
    two = [seeded.best(where=f"seed = {n} AND {of_prompt}").iloc[-1] for n in (1, 2)]
    assert facts["value"] == pytest.approx(sum(two) / 2)
    assert "mean over" not in best_report(seeded, None, "seed = 1")[1]
