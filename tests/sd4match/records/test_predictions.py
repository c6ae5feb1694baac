"""Predictions on file."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Place, Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.parquet import about_of, read, settings_of
from sd4match.records.predictions import read_predictions, write_predictions

SETTINGS = [(1, Readout("nearest")), (2, Readout(kernel_sigma=3.0)), (2, Readout("softmax"))]


ABOUT = {"dataset": "pf_pascal", "timestep": 50, "fusion": False}


@pytest.fixture
def truth(pascal):
    return GroundTruth.of(pascal["test"])


@pytest.fixture
def positions(truth):
    sizes = truth.sizes[truth.pair]
    return np.random.default_rng(0).uniform(0, 1, (len(SETTINGS), *sizes.shape)) * sizes


def test_predictions_come_back(truth, positions, tmp_path):
    file = write_predictions(tmp_path / "p.parquet", SETTINGS, positions, truth, about=ABOUT)
    assert settings_of(file) == SETTINGS
    assert about_of(file) == ABOUT
    found = read_predictions(file, truth)
    assert found.shape == positions.shape
    step = truth.sizes[truth.pair] / 65535
    assert (np.abs(found - positions) <= 0.5 * step + 1e-5).all()


def test_places_come_back_and_have_a_column_where_there_are_any(truth, positions, tmp_path):
    inside = [(1, Readout("nearest")), (Place(1, 2), Readout("dense")), (2, Readout("softmax"))]
    file = write_predictions(tmp_path / "p.parquet", inside, positions, truth)
    assert settings_of(file) == inside
    table = read(file, ["layer", "place"])
    k = len(truth.pair)
    assert table["layer"].to_pylist()[::k] == [1, 1, 2]
    assert table["place"].to_pylist()[::k] == ["output", "2", "output"]
    without = write_predictions(tmp_path / "o.parquet", SETTINGS, positions, truth)
    assert "place" not in pq.read_schema(without).names


def test_the_same_predictions_are_the_same_bytes(truth, positions, tmp_path):
    one, two = (
        write_predictions(tmp_path / name, SETTINGS, positions, truth, about=about)
        for name, about in (("a", ABOUT), ("b", dict(reversed(ABOUT.items()))))
    )
    assert one.read_bytes() == two.read_bytes()


def test_predictions_of_other_pairs_are_refused(pascal, truth, positions, tmp_path):
    file = write_predictions(tmp_path / "p.parquet", SETTINGS, positions, truth)
    other = GroundTruth.of(pascal["val"])
    with pytest.raises(SD4MatchError, match=rf"damaged .*rows, 3 x {len(other.pair)} expected"):
        read_predictions(file, other)
