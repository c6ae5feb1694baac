"""Answers: PCK of cells and pairs, against the same in plain Python."""

import shutil
import zlib
from statistics import mean

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from sd4match import datasets
from sd4match.errors import SD4MatchError
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from study.analysis.measuring import measure, samples
from study.plan import index as cells
from study.space.axes import AXES
from study.space.metric import Rule
from study.store.store import Store

pytestmark = pytest.mark.slow

RULE = Rule((0.05, 0.1, 0.15), "sd4match")


SPACE = """
baseline: {prompt: empty, layer: 0}
axes: {prompt: [empty, text], localizer: [nearest, softmax], kernel: [3, 7]}
"""


@pytest.fixture(scope="module")
def bare_root(shapes_root, tmp_path_factory):
    """The benchmark with a cat that shows no keypoint: two test pairs have none in common."""
    root = tmp_path_factory.mktemp("bare") / "shapes"
    shutil.copytree(shapes_root, root)
    file = next((root / "pf-pascal").glob("PF-dataset-PASCAL/Annotations/cat/2023*.mat"))
    annotation = loadmat(file)
    kps = np.full_like(annotation["kps"], np.nan)
    savemat(file, {"kps": kps, "bbox": annotation["bbox"]})
    return root


@pytest.fixture(scope="module")
def plan(plan_on, bare_root):
    return plan_on(SPACE, f"data.root={bare_root}")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def index_of(plan):
    return cells.frame(cells.table(plan))


def record(store, stage, settings):
    """Put made-up predictions of a stage into the store."""
    pairs = stage.data.open()
    store.write_truth(pairs)
    truth = GroundTruth.of(pairs)
    near = [truth.keypoints + noise(stage, setting, truth) for setting in settings]
    store.write_predictions(stage.key, list(settings), np.stack(near), truth)


def noise(stage, setting, truth):
    seed = [int(stage.key, 16), zlib.crc32(repr(setting).encode())]
    return np.random.default_rng(seed).normal(0, 12, truth.keypoints.shape)


@pytest.fixture
def full(plan, store):
    """A store that holds all of the plan."""
    for key, stage in plan.predicts.items():
        record(store, stage, plan.settings[key])
    return store


def shares(store, cell, alpha):
    """(correct, keypoints) of each pair of a cell, one after the other."""
    pairs = cell.data.open()
    truth = GroundTruth.of(pairs)
    file = store.recorded(cell.predict.key)[cell.setting]
    block = list(store.recorded(cell.predict.key)).index(cell.setting)
    positions = store.read_predictions(file, truth)[block]
    size = cell.predict.extraction.image_size
    return [
        (int(scoring.score(pair, positions[truth.pair == i], alpha=alpha, image_size=size).sum()),
         len(pair.target_keypoints))
        for i, pair in enumerate(pairs)
    ]  # fmt: skip


def test_cells_are_the_means_over_pairs_and_over_keypoints(plan, full):
    found = measure(index_of(plan), full, RULE).set_index(
        ["configuration", "dataset", "split", "alpha"]
    )
    assert found.index.is_unique
    assert len(found) == len(plan.cells) * len(RULE.alphas)
    for cell in plan.cells:
        for alpha in RULE.alphas:
            row = found.loc[cell.configuration.key, cell.data.dataset, cell.data.split, alpha]
            counted = [(c, n) for c, n in shares(full, cell, alpha) if n]
            assert row["pck"] == pytest.approx(mean(c / n for c, n in counted), abs=1e-12)
            assert row["keypoints"] == sum(n for _, n in counted)
            point = sum(c for c, _ in counted) / row["keypoints"]
            assert row["pck_point"] == pytest.approx(point, abs=1e-12)
            assert row["pairs"] == len(counted)
            assert (row["status"], row["reason"]) == ("done", None)
    assert found["pck"].nunique() > len(plan.cells)  # the cells do differ


def test_rows_come_in_the_order_of_the_plan_with_their_axes(plan, full):
    found = measure(index_of(plan), full, RULE)
    wanted = [
        (cell.configuration.key, cell.data.dataset, cell.data.split, alpha)
        for cell in plan.cells
        for alpha in RULE.alphas
    ]
    names = ["configuration", "dataset", "split", "alpha"]
    assert [*found[names].itertuples(index=False)] == wanted
    for row, cell in zip(found[:: len(RULE.alphas)].to_dict("records"), plan.cells, strict=True):
        for name, value in cell.configuration.as_dict.items():
            assert pd.isna(row[name]) if value is None else row[name] == value
    assert found.columns[1 : 1 + len(AXES)].tolist() == list(AXES)


def test_pairs_without_keypoints_do_not_count(plan, full):
    found = measure(index_of(plan), full, RULE)
    pascal = found[(found["dataset"] == "pf_pascal") & (found["split"] == "test")]
    assert (pascal["pairs"] == 24 - 2).all()
    cell = next(cell for cell in plan.cells if cell.data.split == "test")
    assert cell.data.pairs == 24
    row = index_of(plan).iloc[plan.cells.index(cell)]
    assert len(samples(row, full, RULE, 0.1).pck) == 24 - 2


def test_what_was_not_computed_is_missing(plan, store):
    """No record of one stage, and one setting too few in another."""
    absent, partial, *others = plan.predicts
    dropped, *kept = plan.settings[partial]
    record(store, plan.predicts[partial], kept)
    for key in others:
        record(store, plan.predicts[key], plan.settings[key])
    found = measure(index_of(plan), store, RULE)
    holes = [
        cell.predict.key == absent or (cell.predict.key == partial and cell.setting == dropped)
        for cell in plan.cells
        for _ in RULE.alphas
    ]
    assert 0 < sum(holes) < len(holes)
    assert (found["status"] == "missing").tolist() == holes
    assert set(found[holes]["reason"]) == {"not computed yet"}
    assert found[holes][["pck", "pck_point", "pairs", "keypoints"]].isna().all(axis=None)
    done = found[~np.array(holes)]
    assert done[["pck", "pck_point", "pairs", "keypoints"]].notna().all(axis=None)
    assert done["reason"].isna().all()


def test_an_empty_store_has_only_holes(plan, store):
    found = measure(index_of(plan), store, RULE)
    assert len(found) == len(plan.cells) * len(RULE.alphas)
    assert (found["status"] == "missing").all()
    assert (found["reason"] == "not computed yet").all()


def test_failures_are_told_by_what_failed(plan_on, store):
    plan = plan_on("{baseline: {prompt: single}, axes: {prompt: [text, single]}}")
    text = next(key for key, (made, _) in plan.extractions.items() if made.prompt == "text")
    pascal = next(key for key, tune in plan.tunes.items() if tune.train.dataset == "pf_pascal")
    failures = {text: "Traceback:\n  …\nMemoryError: in predict\n", pascal: "loss is not finite"}
    found = measure(index_of(plan), store, RULE, failures=failures)
    reasons = {(row["prompt"], row["dataset"]): row["reason"] for row in found.to_dict("records")}
    assert {reasons["text", name] for name in datasets.NAMES} == {"MemoryError: in predict"}
    assert reasons["single", "pf_pascal"] == reasons["single", "pf_willow"] == failures[pascal]
    assert reasons["single", "spair"] == "not computed yet"


def test_an_old_failure_does_not_hide_what_is_there(plan, full):
    failures = dict.fromkeys(plan.extractions, "out of memory")
    found = measure(index_of(plan), full, RULE, failures=failures)
    assert (found["status"] == "done").all()
    assert found["reason"].isna().all()


def test_a_setting_on_record_twice_counts_once(plan, full):
    before = measure(index_of(plan), full, RULE)
    key, stage = next(iter(plan.predicts.items()))
    first, second, *_ = plan.settings[key]
    record(full, stage, [second, first])
    record(full, stage, [first])
    pd.testing.assert_frame_equal(measure(index_of(plan), full, RULE), before)


def test_a_split_without_any_keypoint_says_so(plan_on, store, bare_root, tmp_path):
    shutil.copytree(bare_root, tmp_path / "shapes")
    head, *rows = (tmp_path / "shapes/pf-pascal/test_pairs.csv").read_text().splitlines()
    bare = [row for row in rows if row.endswith(",8")]  # cats
    (tmp_path / "shapes/pf-pascal/test_pairs.csv").write_text("\n".join([head, *bare]) + "\n")
    plan = plan_on(SPACE, f"data.root={tmp_path / 'shapes'}", "data.evaluate=[pf_pascal]")
    for key, stage in plan.predicts.items():
        record(store, stage, plan.settings[key])
    found = measure(index_of(plan), store, RULE)
    test = found["split"] == "test"
    assert set(found[test]["reason"]) == {"no pair has a common keypoint"}
    assert set(found[test]["status"]) == {"missing"}
    assert set(found[~test]["status"]) == {"done"}


def test_a_damaged_score_file_is_one_clear_error(plan, full):
    measure(index_of(plan), full, RULE)
    file = next((full.folder / "score").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(SD4MatchError, match=rf"{file.name}: damaged .*delete it") as caught:
        measure(index_of(plan), full, RULE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("alpha", RULE.alphas)
def test_samples_are_the_shares_of_each_pair(plan, full, alpha):
    index = index_of(plan)
    measured = measure(index, full, RULE)
    measured = measured[measured["alpha"] == alpha]["pck"].tolist()
    for position, cell in enumerate(plan.cells):
        found = samples(index.iloc[position], full, RULE, alpha)
        expected = [c / n for c, n in shares(full, cell, alpha) if n]
        assert found.pck.tolist() == expected
        assert found.pck.mean() == pytest.approx(measured[position], abs=1e-12)


def test_samples_know_their_images_by_content(plan, full):
    index = index_of(plan)
    for position, cell in enumerate(plan.cells):
        found = samples(index.iloc[position], full, RULE, 0.1)
        pairs = [pair for pair in cell.data.open() if len(pair.target_keypoints)]
        images = {}
        for pair, source, target in zip(pairs, found.source, found.target, strict=True):
            for path, number in ((pair.source_path, source), (pair.target_path, target)):
                assert images.setdefault(path.read_bytes(), number) == number
        assert len(set(images.values())) == len(images)


def test_sub_classes_of_pf_willow_are_one_group(plan, full):
    index = index_of(plan)
    rows = index[index["dataset"] == "pf_willow"]
    found = samples(rows.iloc[0], full, RULE, 0.1)
    pairs = plan.cells[rows.index[0]].data.open()
    groups = {}
    for pair, group in zip(pairs, found.category, strict=True):
        groups.setdefault(group, set()).add(pair.category.split("(")[0])
    assert sorted(map(sorted, groups.values())) == [
        ["car"],
        ["duck"],
        ["motorbike"],
        ["winebottle"],
    ]
    # Why: sub-classes share images, which would otherwise be drawn twice.
    by_image = {}
    for pair, image in zip(pairs, found.source, strict=True):
        by_image.setdefault(image, set()).add(pair.category)
    assert any(len(categories) > 1 for categories in by_image.values())


def test_samples_at_an_alpha_that_is_not_scored_are_refused(plan, full):
    with pytest.raises(SD4MatchError, match=r"alpha 0\.2 is not scored; the study has 0\.05, 0\.1"):
        samples(index_of(plan).iloc[0], full, RULE, 0.2)


def test_samples_of_a_cell_without_a_record_are_refused(plan, store):
    with pytest.raises(SD4MatchError, match=r"no predictions .*launch the study again"):
        samples(index_of(plan).iloc[0], store, RULE, 0.1)
