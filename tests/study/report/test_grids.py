"""Tables of the report."""

from dataclasses import replace
from math import nan

import pytest

from study.report import grids
from study.tables.tables import study_table


def test_all_configurations_are_listed_the_best_first(study, content):
    grid = content.configurations
    names = [column.name for column in grid.columns]
    assert {len(row) for row in grid.rows} == {len(names)}
    keys = [row[names.index("configuration")].text for row in grid.rows]
    assert sorted(keys) == sorted(study.configurations().index)
    assert keys[0] == content.best.key
    ranked = [float(row[names.index("ranked by")].text) for row in grid.rows]
    assert ranked == sorted(ranked, reverse=True)


@pytest.mark.slow
def test_a_measured_result_without_an_interval_is_not_missing(answered, monkeypatch):
    table = study_table(answered, "prompt")
    raw = table.raw.assign(
        low=nan, high=nan, status="done", reason="nearly all pairs share an image"
    )
    raw.loc[raw["label"] == "class", ["status", "reason"]] = "missing"
    monkeypatch.setattr(grids, "study_table", lambda *_: replace(table, raw=raw))
    grid, _ = grids.axis_grid(answered, "prompt")
    tests = [i for i, column in enumerate(grid.columns) if column.name == "test"]
    notes = {row[0].text: {row[i].note for i in tests} for row in grid.rows}
    assert notes.pop("class") == {"missing"}
    assert set.union(*notes.values()) == {"no interval"}
