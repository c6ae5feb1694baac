"""A study as data."""

import pytest

from study.tables.layout import Layout

pytestmark = pytest.mark.slow


def test_scores_have_intervals_around_them(answered):
    scores = answered.scores(answered.best().name)
    done = scores[scores["status"] == "done"]
    assert len(done)
    told = done[done["low"].notna()]  # two images in a category tell no error
    assert ((told["low"] <= told["pck"]) & (told["pck"] <= told["high"])).all()
    assert (done["seeds"] == 1).all()
    gone = scores[scores["status"] != "done"]
    assert gone[["pck", "low", "high"]].isna().all(axis=None)


def test_other_alphas_do_not_take_the_metric_away(answered):
    strict = answered.under(alphas=[0.02])
    assert strict.best().equals(answered.best())
    chosen = strict.pivot(Layout(("prompt",), alphas=(0.02,), best=True)).raw
    assert set(chosen["configuration"]) & {answered.best().name}
    assert set(chosen["alpha"]) == {0.02}
    found = strict.compare(strict, alpha=0.02).differences
    assert set(found["alpha"]) == {0.02}


def test_scores_are_means_over_seeds(seeded):
    keys = list(seeded.seeds_of(seeded.baseline).values())
    assert len(keys) == 3
    scores = seeded.scores(keys[1])
    place = ("spair", "test", 0.1)
    row = scores[(scores["dataset"] == "spair") & (scores["split"] == "test")]
    row = row[row["alpha"] == 0.1].iloc[0]
    singles = [seeded.samples(key, *place).pck.mean() for key in keys]
    assert row["pck"] == pytest.approx(sum(singles) / 3)
    assert row["seeds"] == 3
    assert list(seeded.row(keys[2], *place)) == [0, 1, 2]
    assert scores.equals(seeded.scores(seeded.baseline))


def test_the_margin_is_the_study_s_or_the_caller_s(answered, study_of):
    assert answered.margin is None
    assert answered.under(margin=0.02).margin == 0.02
    assert study_of("margin", "{margin: 1.5, data: {evaluate: [spair]}}").margin == 0.015
