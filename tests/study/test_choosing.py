"""The best configurations, and trade-offs between objectives."""

import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis import choosing
from study.tables.best import best_report
from study.tables.layout import Layout


def best(cells, metric="spair/val/pck@0.1", where=None):
    return choosing.ranked(cells, metric=metric, where=where).index[0]


def test_best(made):
    cells, _ = made
    assert best(cells) == "other"
    assert best(cells, where="prompt = 'text' AND \"train.layer\" IS NULL") == "text"
    # Equal scores: the first configuration, in whatever order rows come.
    assert best(cells.assign(pck=0.5)) == "base"


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("prompt = 'cpm'", "no configuration matches"),
        ("promt = 'text'", 'Referenced column "promt" not found.*axes: backbone, prompt'),
        ("prompt =", "condition 'prompt ='"),
        ("true ORDER BY kernel", "condition"),
        ("true; SELECT 'base' AS configuration", "condition"),
        ("configuration IN (SELECT * FROM read_csv('/etc/hostname'))", "condition"),
    ],
)
def test_bad_conditions_are_one_line(made, where, message):
    with pytest.raises(SD4MatchError, match=message) as error:
        best(made[0], where=where)
    assert "\n" not in str(error.value)


def test_nothing_measured_is_said(made, lose):
    cells, _ = made
    for name in cells["configuration"].unique():
        cells = lose(cells, name, "spair")
    with pytest.raises(SD4MatchError, match="not measured yet"):
        best(cells)


def test_top_is_best_first_and_on_validation(answered):
    top = answered.top(number=3)
    assert len(top) == 3
    assert top["mean/val/pck@0.1"].is_monotonic_decreasing
    assert answered.best().name == top.index[0]
    val = answered.cells[(answered.cells["split"] == "val") & (answered.cells["alpha"] == 0.1)]
    means = val.groupby("configuration")["pck"].mean()
    assert top["mean/val/pck@0.1"].iloc[0] == pytest.approx(means.max())
    with pytest.raises(SD4MatchError, match="val only"):
        answered.top("spair/test/pck@0.1")


def test_scores_have_intervals_around_them(answered):
    scores = answered.scores(answered.best().name)
    done = scores[scores["status"] == "done"]
    assert len(done)
    assert ((done["low"] <= done["pck"]) & (done["pck"] <= done["high"])).all()
    gone = scores[scores["status"] != "done"]
    assert gone[["pck", "low", "high"]].isna().all(axis=None)


def test_the_pareto_set_is_what_nothing_dominates(answered):
    front = answered.pareto(["pck", "cost"])
    assert list(front) == ["mean/val/pck@0.1", "cost"]
    every = choosing.costs(answered).to_frame("cost")
    every["pck"] = answered.top()["mean/val/pck@0.1"]
    for key, pck, cost in every[["pck", "cost"]].itertuples():
        better = every[(every["pck"] >= pck) & (every["cost"] <= cost)]
        dominated = ((better["pck"] > pck) | (better["cost"] < cost)).any()
        assert not (key in front.index and dominated)
        equal = every[(every["pck"] == pck) & (every["cost"] == cost)].index
        assert dominated or set(equal) & set(front.index)
    assert set(answered.pareto(["cost", "pck"], where="layer = 0").index) <= set(
        answered.configurations().query("layer == 0").index
    )
    with pytest.raises(SD4MatchError, match="val only"):
        answered.pareto(["spair/test/pck@0.1"])


def test_seeds_of_one_setting_are_one(made):
    cells, _ = made
    lucky = cells[cells["configuration"] == "text"].assign(configuration="lucky", seed=1, pck=0.99)
    unlucky = lucky.assign(configuration="unlucky", seed=2, pck=0.0)
    cells = pd.concat([cells, lucky, unlucky], ignore_index=True)
    scores = choosing.ranked(cells, metric="spair/val/pck@0.1")
    own = choosing.ranked(made[0], metric="spair/val/pck@0.1")["text"]
    assert scores["text"] == pytest.approx((own + 0.99 + 0.0) / 3)
    assert not {"lucky", "unlucky"} & set(scores.index)
    assert best(cells) == "other"
    assert best(cells, where="seed = 1") == "lucky"


@pytest.fixture
def seeded(study_of):
    text = "{baseline: {prompt: single, length: 4, ensemble: 1}, axes: {prompt: [empty, single]}}"
    return study_of("seeded", text, "design=factorial", "axes.seed=[0,1,2]")


def test_the_best_tells_the_seeds_that_it_is_the_mean_of(seeded):
    _, text = best_report(seeded, None)
    assert "%, mean over seeds 0, 1, 2; below is seed 0): configuration" in text
    facts, text = best_report(seeded, None, "seed > 0")
    assert "mean over seeds 1, 2; below is seed 1" in text
    of_prompt = f"prompt = '{facts['settings']['prompt']}'"
    two = [seeded.best(where=f"seed = {n} AND {of_prompt}").iloc[-1] for n in (1, 2)]
    assert facts["value"] == pytest.approx(sum(two) / 2)
    assert "mean over" not in best_report(seeded, None, "seed = 1")[1]


def test_the_overview_has_a_row_a_setting(seeded):
    table = seeded.table()
    top = seeded.top()
    assert table.raw["configuration"].tolist() == top.index.tolist()
    assert table.raw["mean/val/pck@0.1"].tolist() == top["mean/val/pck@0.1"].tolist()
    assert table.formatted["seeds"].tolist() == ["3", "3"]
    assert "seed" not in table.formatted
    notes = " ".join(table.footnotes)
    assert "mean over pairs and the measured seeds of a row" in notes
    assert "seed=" not in notes
    behind = seeded.query("SELECT DISTINCT predict FROM scores")["predict"]
    assert f"({len(behind)} in all" in notes
    assert "seeds, a second level" in " ".join(seeded.table("prompt").footnotes)


def test_trade_offs_are_between_settings_not_seeds(seeded):
    front = seeded.pareto(["pck", "cost"])
    assert set(front.index) <= set(seeded.top().index)
    means = seeded.top()["mean/val/pck@0.1"]
    assert front["mean/val/pck@0.1"].tolist() == means[front.index].tolist()


def test_other_alphas_do_not_take_the_metric_away(answered):
    strict = answered.under(alphas=[0.02])
    assert strict.best().equals(answered.best())
    chosen = strict.pivot(Layout(("prompt",), alphas=(0.02,), best=True)).raw
    assert set(chosen["configuration"]) & {answered.best().name}
    assert set(chosen["alpha"]) == {0.02}
    found = strict.compare(strict, alpha=0.02).differences
    assert set(found["alpha"]) == {0.02}
