"""Ground truth on file."""

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.truth import read_truth, write_truth


@pytest.fixture
def truth(pascal):
    return GroundTruth.of(pascal["test"])


def test_ground_truth_comes_back(pascal, truth, tmp_path):
    pairs = pascal["test"]
    write_truth(tmp_path, pairs)
    found, rows = read_truth(tmp_path, pairs.fingerprint)
    assert found.dataset == truth.dataset
    for name in ("pair", "keypoints", "sizes", "boxes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(truth, name))
    assert rows["id"].tolist() == [pair.id for pair in pairs]
    with pytest.raises(SD4MatchError, match="no ground truth"):
        read_truth(tmp_path, pascal["val"].fingerprint)
