"""The view of predicted keypoints: the same numbers as the PCK protocols give."""

import numpy as np
import pytest

from sd4match.pck import scoring
from sd4match.pck.protocols import PROTOCOLS
from sd4match.records.parquet import settings_of
from study.analysis.measuring import setting_of
from study.store.scores import truth_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("protocol", PROTOCOLS)
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
