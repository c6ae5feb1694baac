"""SQL over a study's views: the same numbers as the protocol gives, and nothing can be changed."""

import json

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from sd4match.pck import scoring
from sd4match.records.parquet import settings_of
from study.analysis.measuring import setting_of
from study.analysis.sql import views
from study.store.scores import truth_of


@pytest.mark.parametrize("protocol", scoring.PROTOCOLS)
def test_keypoints_are_those_that_pck_counts(answered, protocol):
    opened = answered.under(protocol)
    rows = opened.query(
        "SELECT * FROM keypoints WHERE split = 'test' ORDER BY configuration, dataset"
    )
    index = opened.index[(opened.index["split"] == "test") & opened.index["missing"].isna()]
    assert len(rows) == sum(
        len(truth_of(opened.folder.store.folder, data)[0].pair) for data in index["data"]
    )
    for row in index.to_dict("records")[::3]:
        store = opened.folder.store
        truth, pairs = truth_of(store.folder, row["data"])
        file = store.recorded(row["predict"])[setting_of(row)]
        positions = store.read_predictions(file, truth)[settings_of(file).index(setting_of(row))]
        error, reference = scoring.distances(
            truth, positions, protocol=protocol, image_size=row["image_size"]
        )
        here = (rows["configuration"] == row["configuration"]) & (rows["dataset"] == row["dataset"])
        found = rows[here].set_index(["pair", "keypoint"])
        ids = pairs["id"].to_numpy()[truth.pair]
        assert found.index.get_level_values("pair").isin(ids).all()
        found = rows[here].sort_values(["pair", "true_x", "true_y", "x"])
        order = np.lexsort((positions[:, 0], *truth.keypoints.T[::-1], ids))
        assert found[["x", "y"]].to_numpy().tolist() == positions[order].tolist()
        assert found["error"].to_numpy() == pytest.approx(error[order], rel=1e-12)
        assert found["reference"].to_numpy() == pytest.approx(reference[order])
        for alpha in opened.rule.alphas:
            correct = scoring.correct(
                truth, positions, alpha=alpha, protocol=protocol, image_size=row["image_size"]
            )
            assert found[f"correct@{alpha:g}"].tolist() == correct[order].tolist()


def test_keypoints_average_to_the_scores(answered):
    by_cell = answered.query(
        'SELECT configuration, dataset, split, avg("correct@0.1"::INT) AS pck_point'
        " FROM keypoints GROUP BY ALL"
    )
    scores = answered.query("SELECT * FROM scores WHERE alpha = 0.1 AND status = 'done'")
    both = by_cell.merge(scores, on=["configuration", "dataset", "split"])
    assert len(both) == len(by_cell) == len(scores)
    assert both["pck_point_x"].to_numpy() == pytest.approx(both["pck_point_y"].to_numpy())


def test_columns_are_those_documented(answered):
    for name, documented in views.VIEWS.items():
        columns = list(answered.query(f"SELECT * FROM {name} LIMIT 0"))
        wanted = [c for c in documented if not c.startswith("correct@")]
        assert [c for c in columns if not c.startswith("correct@")] == wanted
        assert all(name in views.schema() for name in documented)


def test_a_query_reads_only_what_it_names(answered, monkeypatch):
    def refuse(*_):
        raise AssertionError("built a view that nobody asked for")

    monkeypatch.setattr(views, "keypoints", refuse)
    monkeypatch.setattr(views, "stages", refuse)
    assert len(answered.query("SELECT * FROM scores")) == len(answered.cells)
    with pytest.raises(AssertionError, match="nobody asked"):
        answered.query("SELECT * FROM keypoints")


def test_views_join(answered):
    found = answered.query(
        "SELECT c.prompt, count(*) AS n FROM keypoints JOIN configurations c USING (configuration)"
        " GROUP BY ALL"
    )
    assert set(found["prompt"]) == {"empty", "single", "class"}


def test_trials_and_stages_say_what_was_computed(answered):
    trials = answered.query("SELECT * FROM trials")
    index = answered.index
    assert trials["trial"].tolist() == index["extraction"].drop_duplicates().tolist()
    assert trials["cells"].sum() == len(index)
    assert trials["done"].sum() == (answered.cells["status"] == "done").sum() // 3
    stages = answered.query("SELECT * FROM stages")
    predicted = stages[stages["kind"] == "predict"].set_index("stage")
    for key in index.loc[index["missing"].isna(), "predict"].unique():
        files = list((answered.folder.store.folder / "predict" / key).iterdir())
        assert predicted.loc[key, "files"] == len(files)
        assert predicted.loc[key, "bytes"] == sum(file.stat().st_size for file in files)
        settings = json.loads(predicted.loc[key, "settings"])
        assert settings["timestep"] == index.loc[index["predict"] == key, "timestep"].iloc[0]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT * FROM keypoints) TO 'stolen.csv'",
        "SELECT 1; SELECT 2",
        "DELETE FROM scores",
        "SELECT * FROM keypoints, read_csv('/etc/passwd')",
        "SELECT nothing FROM scores",
    ],
)
def test_a_query_that_does_more_than_read_is_refused(answered, sql):
    with pytest.raises(SD4MatchError, match=r"query: .*views: configurations, .*--schema") as error:
        answered.query(sql)
    assert "\n" not in str(error.value)


def test_a_damaged_timing_stops_no_query(answered):
    key = str(answered.index["predict"].iloc[0])
    file = answered.folder.store.speed / "machine" / f"{key}.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    asked = f"SELECT seconds FROM stages WHERE stage = '{key}' AND kind = 'predict'"
    assert answered.query(asked)["seconds"].isna().all()
    file.unlink()
