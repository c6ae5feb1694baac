"""Ground truth as arrays."""

from types import SimpleNamespace

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from sd4match.pck.ground_truth import GroundTruth


def make_pair(dataset, keypoints, *, size=(400, 200), box=(10, 20, 110, 70)):
    # What pck reads of an ImagePair; it takes any object with these attributes.
    return SimpleNamespace(
        dataset=dataset,
        target_keypoints=np.array(keypoints, dtype=np.float32).reshape(-1, 2),
        target_size=size,
        target_box=None if box is None else np.array(box, dtype=np.float32),
    )


def random_pairs(dataset, seed, n_pairs=6):
    rng = np.random.default_rng(seed)
    return [
        make_pair(
            dataset,
            rng.uniform(-20, 420, (rng.integers(0, 5), 2)),
            size=tuple(int(side) for side in rng.integers(100, 500, 2)),
            box=np.sort(rng.uniform(0, 300, (2, 2)), axis=0).ravel(),
        )
        for _ in range(n_pairs)
    ]


# Image 400 x 200 as a square of 800: x is doubled, y multiplied by 4.
KEYPOINTS = [[50.0, 30.0], [150.0, 90.0]]  # extent 100 x 60, in the square 200 x 240


def test_ground_truth_rows():
    pairs = [make_pair("spair", KEYPOINTS), make_pair("spair", [], box=None, size=(7, 8))]
    truth = GroundTruth.of([*pairs, make_pair("spair", KEYPOINTS[:1])])
    assert truth.pair.tolist() == [0, 0, 2]
    assert truth.pair.dtype == np.int32
    assert truth.keypoints.tolist() == [*KEYPOINTS, KEYPOINTS[0]]
    assert truth.sizes.tolist() == [[400, 200], [7, 8], [400, 200]]
    assert np.isnan(truth.boxes).all(axis=1).tolist() == [False, True, False]
    assert truth.n_pairs == 3
    assert truth.n_keypoints.tolist() == [2, 0, 1]


def test_a_subset_is_the_truth_of_those_pairs():
    pairs = random_pairs("spair", 5, n_pairs=8)
    truth, kept = GroundTruth.of(pairs), np.array([1, 0, 0, 1, 1, 0, 1, 0], dtype=bool)
    part, alone = truth.subset(kept), GroundTruth.of([pairs[i] for i in np.flatnonzero(kept)])
    assert 0 < len(part.pair) < len(truth.pair)
    for name in ("dataset", "pair", "keypoints", "sizes", "boxes"):
        np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))
    assert part.pair.dtype == np.int32


def test_ground_truth_is_of_one_data_set():
    with pytest.raises(SD4MatchError, match="one data set"):
        GroundTruth.of([make_pair("spair", KEYPOINTS), make_pair("pf_pascal", KEYPOINTS)])
    with pytest.raises(SD4MatchError, match="one data set"):
        GroundTruth.of([])
