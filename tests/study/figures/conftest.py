"""Whole studies without Ray and without a model: the store is filled with made-up matches."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.plan.plan import Plan, Planner
from study.search.record import Endings
from study.search.search import OptunaSearch
from study.space.designs import configurations
from study.space.reading import load
from study.store.study_folder import StudyFolder
from study.study import open_study

FACTORIAL = """
design: factorial
baseline: {prompt: single, length: 4, timestep: 50, ensemble: 1, layer: 1, kernel: 3}
axes:
  prompt: [empty, single, class]
  length: [4, 16]
  timestep: [0, 50, 261]
  layer: [0, 1, 2]
  kernel: [3, 7]
recipe: {steps: 12}
"""
SEEDED = """
design: factorial
seeds: 2
baseline: {prompt: single, length: 4, ensemble: 1, kernel: 3}
axes: {prompt: [empty, single], length: [4, 8], layer: [0, 1], kernel: [3, 7]}
data: {evaluate: [spair]}
"""
SEARCH = """
design: search
baseline: {prompt: text, ensemble: 1, kernel: 3}
axes:
  prompt: [empty, text]
  timestep: [0, 50, 100, 261]
  ensemble: [1, 2, 4]
  layer: [0, 1, 2]
  kernel: [3, 7]
search: {samples: 10, generation: 5, objectives: [mean/val/pck@0.1, cost]}
"""


def away(configuration):
    """How far made-up matches lie from the truth, as a share of the image."""
    depth = abs(int(configuration["layer"]) - 1)
    noise = abs(int(configuration["timestep"]) - 50) / 2000
    prompt = {"empty": 0.03, "text": 0.015, "class": 0.0}.get(str(configuration["prompt"]), 0.01)
    return 0.04 + 0.03 * depth + noise + prompt - 0.004 * int(configuration["ensemble"])


def record(store, plan):
    """Matches of a plan's cells, and learning curves of its prompts."""
    spread = {}
    for cell in plan.cells:
        spread.setdefault(cell.predict.key, {})[cell.setting] = away(cell.configuration)
    for key, stage in plan.predicts.items():
        if store.recorded(key):
            continue
        pairs = stage.data.open()
        store.write_truth(pairs)
        truth = GroundTruth.of(pairs)
        size = truth.sizes[truth.pair]
        rng = np.random.default_rng(int(key, 16))
        near = [
            truth.keypoints + rng.normal(0, sd, size.shape) * size for sd in spread[key].values()
        ]
        store.write_predictions(key, list(spread[key]), np.stack(near), truth)
    for key in plan.tunes:
        file = store.curves(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        level = int(key, 16) % 10 / 100
        rows = [
            {
                "epoch": i + 1,
                "step": 4 * (i + 1),
                "loss": 5 - i * 0.3,
                "val_pck": 0.5 + 0.1 * i + level,
            }
            for i in range(3)
        ]
        pq.write_table(pa.Table.from_pylist(rows), file)


def make(folder, root, text, *overrides):
    """A study in ``folder``, measured whole."""
    file = folder / "mine.yaml"
    file.write_text(text)
    here = [f"data.root={root}", f"results={folder / 'results'}", "device=cpu", "dtype=float32"]
    space = load(str(file), [*here, "baseline.image_size=32", *overrides])
    out, planner, whole = StudyFolder.of(space), Planner(space), Plan()
    searched = space.file.design == "search"
    plans = (
        OptunaSearch(space, planner, out, Endings()).plans()
        if searched
        else [planner.plan(configurations(space))]
    )
    for plan in plans:
        out.write_space(space)
        whole.update(plan)
        out.write_plan(whole)
        record(out.store, plan)
    return open_study(out.path)


@pytest.fixture(scope="session")
def factorial(shapes_root, tmp_path_factory):
    return make(tmp_path_factory.mktemp("factorial"), shapes_root, FACTORIAL)


@pytest.fixture(scope="session")
def seeded(shapes_root, tmp_path_factory):
    """Two prompts, lengths, layers and kernels under two seeds."""
    return make(tmp_path_factory.mktemp("seeded"), shapes_root, SEEDED)


@pytest.fixture(scope="session")
def searched(shapes_root, tmp_path_factory):
    return make(tmp_path_factory.mktemp("searched"), shapes_root, SEARCH)
