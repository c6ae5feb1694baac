"""Predictions on file."""

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.parquet import about_of, settings_of
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
