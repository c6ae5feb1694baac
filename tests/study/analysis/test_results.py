"""A study as data."""

import pytest

from study.tables.layout import Layout

pytestmark = pytest.mark.slow


def test_scores_have_intervals_around_them(answered):
    scores = answered.scores(answered.best().name)
    done = scores[scores["status"] == "done"]
    assert len(done)
    assert ((done["low"] <= done["pck"]) & (done["pck"] <= done["high"])).all()
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
