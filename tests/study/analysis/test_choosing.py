"""The best configurations, and the Pareto front of several objectives."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from sd4match.errors import SD4MatchError
from study import figures
from study.analysis import choosing

pytestmark = pytest.mark.slow


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


def test_trade_offs_are_between_settings_not_seeds(seeded):
    front = seeded.pareto(["pck", "cost"])
    assert set(front.index) <= set(seeded.top().index)
    means = seeded.top()["mean/val/pck@0.1"]
    assert front["mean/val/pck@0.1"].tolist() == means[front.index].tolist()


@given(
    values=arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)),
                  elements=st.integers(0, 3).map(float)),
    data=st.data(),
)  # fmt: skip
def test_the_front_is_what_no_other_row_dominates(values, data):
    maximize = data.draw(
        st.lists(st.booleans(), min_size=values.shape[1], max_size=values.shape[1])
    )
    gains = np.where(maximize, values, -values)
    front = choosing.pareto_front(values, maximize).tolist()
    for row, own in enumerate(gains):
        rivals = [k for k, other in enumerate(gains) if k != row and (other >= own).all()]
        equal = [k for k in rivals if (gains[k] == own).all()]
        assert (row in front) == (len(rivals) == len(equal) and row == min([row, *equal]))
    assert front == sorted(front, key=lambda row: tuple(gains[row]), reverse=True)


def test_an_older_folder_has_no_cost(answered):
    older = answered.under()
    older = type(older)(older.folder)
    older.__dict__["index"] = answered.index.assign(tflop_per_image=float("nan"))
    with pytest.raises(SD4MatchError, match="has no cost on record: launch it again"):
        older.pareto(["pck", "cost"])
    assert older.query("SELECT * FROM configurations")["tflop_per_image"].isna().all()
    assert not [v for v in figures.applicable(older) if v.kind.name == "pareto"]
