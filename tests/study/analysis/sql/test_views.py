"""The views that SQL reads: their columns and their rows."""

import json

import pytest

from study.analysis.sql import views


@pytest.mark.slow
def test_columns_are_those_documented(answered):
    for name, documented in views.VIEWS.items():
        columns = list(answered.query(f"SELECT * FROM {name} LIMIT 0"))
        wanted = [c for c in documented if not c.startswith("correct@")]
        assert [c for c in columns if not c.startswith("correct@")] == wanted
        assert all(name in views.schema() for name in documented)


@pytest.mark.slow
def test_views_join(answered):
    found = answered.query(
        "SELECT c.prompt, count(*) AS n FROM keypoints JOIN configurations c USING (configuration)"
        " GROUP BY ALL"
    )
    assert set(found["prompt"]) == {"empty", "single", "class"}


@pytest.mark.slow
def test_trials_and_stages_say_what_was_computed(answered):
    trials = answered.query("SELECT * FROM trials")
    index = answered.index
    assert trials["trial"].tolist() == index["extraction"].drop_duplicates().tolist()
    assert trials["results"].sum() == len(index)
    assert trials["done"].sum() == (answered.cells["status"] == "done").sum() // 3
    stages = answered.query("SELECT * FROM stages")
    predicted = stages[stages["kind"] == "predict"].set_index("stage")
    for key in index.loc[index["missing"].isna(), "predict"].unique():
        files = list((answered.folder.store.folder / "predict" / key).iterdir())
        assert predicted.loc[key, "files"] == len(files)
        assert predicted.loc[key, "bytes"] == sum(file.stat().st_size for file in files)
        settings = json.loads(predicted.loc[key, "settings"])
        assert settings["timestep"] == index.loc[index["predict"] == key, "timestep"].iloc[0]


def test_a_damaged_timing_stops_no_query(answered):
    key = str(answered.index["predict"].iloc[0])
    file = answered.folder.store.speed / "machine" / f"{key}.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    asked = f"SELECT seconds FROM stages WHERE stage = '{key}' AND kind = 'predict'"
    assert answered.query(asked)["seconds"].isna().all()
    file.unlink()
