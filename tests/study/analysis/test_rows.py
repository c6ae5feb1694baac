"""The frame of results: its columns, and metrics by configuration."""

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.rows import (
    columns,
    configurations,
    none_for_na,
    over_seeds,
    representatives,
    value,
)


def test_columns_are_in_the_order_of_papers_test_first(made):
    found = columns(made[0], [0.1])
    assert found == [
        ("pf_pascal", "test", 0.1), ("pf_pascal", "val", 0.1), ("pf_willow", "test", 0.1),
        ("spair", "test", 0.1), ("spair", "val", 0.1),
    ]  # fmt: skip
    assert len(columns(made[0], None)) == 2 * len(found)
    with pytest.raises(SD4MatchError, match=r"alpha 0.3 was not scored; scored are 0.05, 0.1"):
        columns(made[0], [0.3])


def test_value_by_configuration(made):
    cells, samples = made
    found = value(cells, "spair/val/pck@0.1")
    assert list(found.index) == list(cells["configuration"].unique())
    assert found["t1"] == pytest.approx(samples("t1", "spair", "val", 0.1).pck.mean())
    assert value(cells, "spair/val/pck@0.1/point")["t1"] == pytest.approx(found["t1"] + 0.01)


def test_mean_is_over_the_data_sets_that_have_the_split(made, lose):
    cells, _ = made
    both = [value(cells, f"{d}/val/pck@0.1")["l0"] for d in ("pf_pascal", "spair")]
    assert value(cells, "mean/val/pck@0.1")["l0"] == pytest.approx(np.mean(both))
    # A mean over fewer data sets is no mean over all.
    partly = value(lose(cells, "l0", "spair"), "mean/val/pck@0.1")
    assert np.isnan(partly["l0"])
    assert np.isfinite(partly["t1"])


def test_what_was_not_measured_is_said(made):
    with pytest.raises(SD4MatchError, match=r"does not measure spair/val/pck@0.2; nearest: spair"):
        value(made[0], "spair/val/pck@0.2")


def test_configurations_that_differ_in_the_seed_are_one(made):
    cells = made[0]
    twin = cells[cells["configuration"] == "t1"].assign(configuration="twin", seed=1)
    cells = pd.concat([cells, twin], ignore_index=True)
    same = representatives(cells)
    assert same["twin"] == "t1"
    assert (same.drop("twin") == same.drop("twin").index).all()
    assert representatives(cells, ["twin"]).to_dict() == {"twin": "twin"}
    scores = pd.Series({"base": 0.5, "twin": 0.3, "t1": 0.1})
    assert over_seeds(scores, cells).round(6).to_dict() == {"base": 0.5, "t1": 0.2}


def test_missing_values_become_none():
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": pd.array([1, None], dtype="Int64")})
    assert none_for_na(frame).to_dict("list") == {"a": [1.5, None], "b": [1, None]}


def test_axes_of_configurations_are_plain_values(made):
    found = configurations(made[0])
    assert list(found) == list(made[0]["configuration"].unique())
    assert found["text"]["length"] is None
    assert (found["base"]["length"], found["base"]["kernel"]) == (75, 7.0)
    values = {type(value) for axes in found.values() for value in axes.values()}
    assert values <= {int, float, bool, str, type(None)}
