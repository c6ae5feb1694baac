"""The store: what goes in comes out, and what is damaged is said in one line."""

import dataclasses
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.parquet import settings_of
from study.store.store import Store

NEAREST = (0, Readout("nearest"))


SOFTMAX = (1, Readout("softmax", temperature=0.1))


KERNELS = [(layer, Readout(kernel_sigma=sigma)) for layer in (0, 3) for sigma in (1.0, 7.0)]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture(params=[("pf_pascal", "test"), ("pf_willow", "test"), ("spair", "val")])
def pairs(request, pairs_of):
    return pairs_of(*request.param)


@pytest.fixture
def truth(pairs):
    return GroundTruth.of(pairs)


def positions(truth, settings, seed=0):
    """Anywhere in the target images."""
    sizes = truth.sizes[truth.pair]
    return np.random.default_rng(seed).uniform(0, 1, (len(settings), *sizes.shape)) * sizes


def files_below(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_predictions_come_back_within_half_a_step(store, truth):
    settings = [NEAREST, SOFTMAX, *KERNELS]
    wanted = positions(truth, settings)
    file = store.write_predictions("a" * 20, settings, wanted, truth)
    found = store.read_predictions(file, truth)
    assert settings_of(file) == settings
    assert found.dtype == np.float32
    step = truth.sizes[truth.pair] / 65535
    error = np.abs(found - wanted)
    assert (error <= step * 0.5 + 2e-5).all()  # and float32's last digits
    assert error.max() > 0  # they were rounded, so the bound says something


@pytest.mark.slow
def test_positions_outside_the_image_move_to_its_border(store, truth):
    sizes = truth.sizes[truth.pair]
    outside = np.stack([-sizes, 2 * sizes])
    file = store.write_predictions("a" * 20, KERNELS[:2], outside, truth)
    found = store.read_predictions(file, truth)
    np.testing.assert_allclose(found, np.stack([0 * sizes, sizes]), rtol=1e-6)


@pytest.mark.slow
def test_columns_name_each_row(store, truth):
    settings = [SOFTMAX, NEAREST, KERNELS[3]]
    table = pq.read_table(store.write_predictions("a", settings, positions(truth, settings), truth))
    rows = len(truth.pair)
    assert table["layer"].to_pylist() == [1] * rows + [0] * rows + [3] * rows
    assert table["localizer"].to_pylist()[::rows] == ["softmax", "nearest", "kernel_softmax"]
    assert table["kernel"].to_pylist()[::rows] == [None, None, 7.0]
    assert table["temperature"].to_pylist()[::rows] == [0.1, None, 0.04]


@pytest.mark.slow
def test_a_stage_keeps_several_grids(store, truth):
    first = store.write_predictions("k", KERNELS, positions(truth, KERNELS), truth)
    second = store.write_predictions("k", [NEAREST], positions(truth, [NEAREST], 1), truth)
    assert first != second
    assert store.recorded("k") == {**dict.fromkeys(KERNELS, first), NEAREST: second}
    assert store.recorded("other") == {}
    np.testing.assert_allclose(
        store.read_predictions(second, truth), positions(truth, [NEAREST], 1), atol=0.02
    )


@pytest.mark.slow
def test_a_setting_on_record_twice_is_read_from_the_same_file_by_everyone(store, truth):
    grids = [[NEAREST, SOFTMAX], [SOFTMAX, *KERNELS]]
    files = [store.write_predictions("k", grid, positions(truth, grid), truth) for grid in grids]
    recorded = store.recorded("k")
    assert set(recorded) == {NEAREST, SOFTMAX, *KERNELS}
    assert recorded[SOFTMAX] == min(files)


@pytest.mark.slow
def test_the_same_predictions_are_the_same_file(store, truth, tmp_path):
    wanted = positions(truth, KERNELS)
    other = Store(tmp_path / "other")
    one, two = (s.write_predictions("k", KERNELS, wanted, truth) for s in (store, other))
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.slow
def test_ground_truth_is_that_of_the_pairs(store, pairs, truth):
    store.write_truth(pairs)
    found, rows = store.read_truth(pairs.fingerprint)
    assert found.dataset == truth.dataset
    for name in ("pair", "keypoints", "sizes", "boxes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(truth, name))
        assert getattr(found, name).dtype == getattr(truth, name).dtype
    assert rows["id"].tolist() == [pair.id for pair in pairs]
    assert rows["category"].tolist() == [pair.category for pair in pairs]
    assert rows["keypoints"].tolist() == [len(pair.keypoint_ids) for pair in pairs]
    # Images are known by their content: files of the same bytes are one.
    contents = [pair.source_path.read_bytes() for pair in pairs]
    assert rows["source"].nunique() == len(set(contents))


@pytest.mark.slow
def test_ground_truth_is_written_once(store, pairs):
    store.write_truth(pairs)
    before = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*.parquet")}
    store.write_truth(pairs)
    assert {path: path.stat().st_mtime_ns for path in store.folder.rglob("*.parquet")} == before
    assert len(before) == 2


def test_ground_truth_that_was_never_recorded_is_one_clear_error(store):
    with pytest.raises(SD4MatchError, match=r"truth: no ground truth abc: .*launch .*again$"):
        store.read_truth("abc")


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    """One bit of a position; header and footer stand."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def no_settings(_):
    pq.write_table(pa.table({"x": [1]}), file := io.BytesIO())
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut, lambda _: b"", no_settings, flip])
def test_a_damaged_prediction_file_is_one_clear_error(store, truth, damage):
    file = store.write_predictions("k", KERNELS, positions(truth, KERNELS), truth)
    file.write_bytes(damage(file.read_bytes()))

    def read():
        store.recorded("k")
        store.read_predictions(file, truth)

    with pytest.raises(SD4MatchError) as caught:
        read()
    assert str(file) in str(caught.value)
    assert "damaged" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1])
def test_damaged_ground_truth_is_one_clear_error(store, pairs, which):
    store.write_truth(pairs)
    file = sorted(store.folder.rglob("*.parquet"))[which]
    file.write_bytes(cut(file.read_bytes()))
    with pytest.raises(SD4MatchError, match=r"damaged .*delete it and launch") as caught:
        store.read_truth(pairs.fingerprint)
    assert "\n" not in str(caught.value)


def test_a_write_that_fails_leaves_nothing(store, truth, monkeypatch):
    def full(table, where, **_):
        where.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(OSError, match="No space"):
        store.write_predictions("k", KERNELS, positions(truth, KERNELS), truth)
    assert files_below(store.folder) == []
    assert store.recorded("k") == {}


@pytest.mark.slow
def test_a_large_study_takes_four_bytes_a_prediction(store):
    """Predictions scatter around the truth, as a softmax gives them: no two are alike."""
    rng = np.random.default_rng(0)
    pairs, of_pair = 2000, 8
    settings = [(layer, Readout(kernel_sigma=k)) for layer in range(4) for k in (1, 3, 7, 15)]
    sizes = np.float32([[500, 375]]).repeat(pairs, 0)
    boxes = np.zeros((pairs, 4), np.float32)
    points = rng.normal(0.5, 0.2, (pairs * of_pair, 2)).clip(0, 1) * (500, 375)
    owner = np.arange(pairs, dtype=np.int32).repeat(of_pair)
    truth = GroundTruth("spair", owner, points.astype(np.float32), sizes, boxes)
    predicted = points + rng.normal(0, 30, (len(settings), *points.shape))
    file = store.write_predictions("k", settings, predicted.clip(0, (500, 375)), truth)
    assert file.stat().st_size <= 4 * len(settings) * len(points)


@pytest.mark.slow
def test_a_pair_set_without_keypoints_is_kept(store, truth):
    none = dataclasses.replace(truth, pair=truth.pair[:0], keypoints=truth.keypoints[:0])
    file = store.write_predictions("k", KERNELS, np.zeros((len(KERNELS), 0, 2)), none)
    assert settings_of(file) == KERNELS
    assert store.read_predictions(file, none).shape == (len(KERNELS), 0, 2)
