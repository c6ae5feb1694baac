"""A made-up study: a baseline and its neighbours on three data sets, with image effects."""

import shutil
import uuid
import zlib

import numpy as np
import pandas as pd
import pytest

from sd4match import datasets
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.parquet import settings_of
from sd4match.testbed import shapes
from study.analysis.statistics.stats import PairSamples
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load
from study.store.store import Store
from study.store.study_folder import StudyFolder
from study.study import Study

from .bucket import serving
from .small_store import SPACE, finish

BASELINE = {
    "backbone": "nano", "prompt": "single", "length": 75, "train.data": "own",
    "train.timestep": 261, "train.layer": 1, "train.kernel_size": 7, "train.fusion": "none",
    "train.l2_normalize": True, "seed": 0, "image_size": 64,
    "timestep": 50, "ensemble": 1, "layer": 1, "localizer": "kernel_softmax", "kernel": 7.0,
    "temperature": 0.04,
}  # fmt: skip
NO_TRAINING = ("length", *(name for name in BASELINE if name.startswith("train.")))
# Changes of the baseline -> what they add to PCK.
CHANGES = {
    "base": ({}, 0.0),
    "empty": (dict.fromkeys(NO_TRAINING) | {"prompt": "empty"}, -0.2),
    "text": (dict.fromkeys(NO_TRAINING) | {"prompt": "text"}, -0.1),
    "t1": ({"timestep": 1}, -0.05),
    "t261": ({"timestep": 261}, 0.0),
    "l0": ({"layer": 0}, -0.02),
    "nearest": ({"localizer": "nearest", "kernel": None, "temperature": None}, -0.03),
    "other": ({"timestep": 1, "layer": 0}, 0.1),
}
SPLITS = {"pf_pascal": ("val", "test"), "pf_willow": ("test",), "spair": ("val", "test")}
ALPHAS = {0.05: 0.4, 0.1: 0.6}


@pytest.fixture
def made():
    """``cells`` and ``samples`` as `Study` hands them to tables and figures."""
    kept, rows = {}, []
    for number, (name, (change, gain)) in enumerate(CHANGES.items()):
        for dataset, splits in SPLITS.items():
            for split in splits:
                rng = np.random.default_rng([len(dataset), len(split)])
                category = np.sort(rng.integers(0, 3, 60))
                source = category * 10 + rng.integers(0, 10, 60)
                target = category * 10 + (source + rng.integers(1, 10, 60)) % 10
                image = rng.normal(0, 0.08, 30)
                noise = np.random.default_rng(number).normal(0, 0.03, 60)
                for alpha, mean in ALPHAS.items():
                    pck = np.clip(mean + gain + image[source] + image[target] + noise, 0, 1)
                    kept[name, dataset, split, alpha] = PairSamples(pck, source, target, category)
                    rows.append(
                        {"configuration": name} | BASELINE | change
                        | {"dataset": dataset, "split": split, "alpha": alpha}
                        | {"pck": pck.mean(), "pck_point": pck.mean() + 0.01, "pairs": 60}
                        | {"keypoints": 480, "status": "done", "reason": pd.NA}
                    )  # fmt: skip
    cells = pd.DataFrame(rows)
    whole = ["length", "train.timestep", "train.layer", "train.kernel_size"]
    cells[whole] = cells[whole].astype("Int64")
    return cells, lambda *key: kept[key]


@pytest.fixture
def lose():
    """A function that marks the cells of a configuration on a data set as missing."""

    def mark(cells, configuration, dataset, reason="out of memory in predict"):
        gone = (cells["configuration"] == configuration) & (cells["dataset"] == dataset)
        cells.loc[gone, ["status", "reason"]] = ["missing", reason]
        cells.loc[gone, ["pck", "pck_point"]] = np.nan
        return cells

    return mark


@pytest.fixture(scope="session")
def bucket():
    """A bucket on an S3 server of this machine: see `.bucket`."""
    with serving() as served:
        yield served


@pytest.fixture
def results(bucket):
    """The URL of a place in that bucket where nothing is yet."""
    return f"{bucket.url}/{uuid.uuid4().hex}"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A function: from now on this is the machine of that name, with a disk of its own."""
    return lambda name: monkeypatch.setenv("SD4MATCH_CACHE", str(tmp_path / "disks" / name))


@pytest.fixture(scope="session")
def shapes_root(tmp_path_factory):
    """The smallest shapes benchmark: two images a category and split. Do not change it."""
    root = tmp_path_factory.mktemp("benchmarks") / "shapes"
    shapes.generate(root, seed=0, scale=0.01)
    return root


@pytest.fixture(scope="session")
def pairs_of(shapes_root):
    """``pairs_of(dataset, split)`` of that benchmark."""
    return lambda dataset, split: datasets.load(dataset, shapes_root, split)


@pytest.fixture(scope="session")
def plan_on(shapes_root, tmp_path_factory):
    """A function that plans a search space, given as YAML, on nano and that benchmark."""
    folder = tmp_path_factory.mktemp("spaces")

    def plan(text, *overrides):
        (folder / "mine.yaml").write_text(text)
        here = [f"data.root={shapes_root}", "device=cpu", "dtype=float32", "batch_size=4"]
        size = "baseline.image_size=32"
        space = load(str(folder / "mine.yaml"), [*here, size, *overrides])
        return Planner(space).plan(configurations(space))

    return plan


@pytest.fixture(scope="session")
def study_of(shapes_root, tmp_path_factory):
    """A function that makes a study with made-up predictions in a real store.

    ``study_of(name, text, *overrides)``: all studies of the session share results and store.
    """
    results = tmp_path_factory.mktemp("answers") / "results"

    def make(name, text, *overrides):
        file = results.parent / f"{name}.yaml"
        file.write_text(text)
        here = [f"data.root={shapes_root}", f"results={results}", "device=cpu", "dtype=float32"]
        space = load(str(file), [*here, "batch_size=4", "baseline.image_size=64", *overrides])
        plan = Planner(space).plan(configurations(space))
        folder = StudyFolder.of(space)
        folder.write_space(space)
        folder.write_plan(plan)
        for key, stage in plan.predicts.items():
            pairs = stage.data.open()
            folder.store.write_truth(pairs)
            truth, settings = GroundTruth.of(pairs), list(plan.settings[key])
            spread = 4 + 16 * np.random.default_rng(int(key, 16)).random()
            # As a model's, they depend on the stage and the setting alone.
            seeds = [[int(key, 16), zlib.crc32(repr(setting).encode())] for setting in settings]
            shape = truth.keypoints.shape
            noise = [np.random.default_rng(seed).normal(0, spread, shape) for seed in seeds]
            folder.store.write_predictions(key, settings, truth.keypoints + np.stack(noise), truth)
        return Study(StudyFolder.open(folder.path))

    return make


@pytest.fixture(scope="session")
def answered(study_of):
    """A study of three prompts and layers, whose made-up predictions are all there."""
    text = """
baseline: {backbone: nano, prompt: single, length: 4, ensemble: 1, kernel: 3}
axes: {prompt: [empty, single, class], layer: [0, 1], kernel: [3, 7]}
"""
    return study_of("answered", text)


@pytest.fixture
def seeded(study_of):
    """A study of two prompts under three seeds."""
    text = "{baseline: {prompt: single, length: 4, ensemble: 1}, axes: {prompt: [empty, single]}}"
    return study_of("seeded", text, "design=factorial", "seeds=3")


@pytest.fixture(scope="session")
def mixed(study_of):
    """A study whose timesteps were computed on two kinds of devices."""
    text = "{baseline: {prompt: empty, ensemble: 1, timestep: 11}, axes: {timestep: [12]}}"
    study = study_of("mixed", text)
    store, index = study.folder.store, study.index.drop_duplicates("predict")
    for _, row in index.iterrows():
        truth, _ = store.read_truth(row["data"])
        about = {"devices": [f"processor of {row['timestep']}"]}
        (file,) = dict.fromkeys(store.recorded(row["predict"]).values())
        settings, positions = settings_of(file), store.read_predictions(file, truth)
        store.write_predictions(row["predict"], settings, positions, truth, about=about)
    return study


@pytest.fixture(scope="session")
def small_plan(plan_on):
    """The plan of `small_store.SPACE`."""
    return plan_on(SPACE)


@pytest.fixture(scope="session")
def small_done(small_plan, tmp_path_factory):
    """A store that holds this plan. Read only."""
    store = Store(tmp_path_factory.mktemp("done") / "store")
    finish(small_plan, store)
    return store


@pytest.fixture
def small_store(small_done, tmp_path):
    """The same store to be changed."""
    shutil.copytree(small_done.folder, tmp_path / "store")
    return Store(tmp_path / "store")
