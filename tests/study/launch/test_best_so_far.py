"""The best configuration so far: of all data sets and all seeds, as scores come in."""

import numpy as np
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.engine.work import pending
from study.launch.progress import Progress
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load
from study.store.store import Store

from .conftest import of, text

pytestmark = pytest.mark.slow


def record(plan, work, store, shares):
    """Record matches of a trial: of layer i the share ``shares[i]`` is right."""
    for stage in work.stages:
        pairs, settings = stage.data.open(), work.settings[stage.key]
        store.write_truth(pairs)
        truth = GroundTruth.of(pairs)
        positions = np.repeat(truth.keypoints[None].astype(float), len(settings), 0)
        for row, (layer, _) in enumerate(settings):
            positions[row, round(shares[layer] * len(truth.keypoints)) :] = -1e4
        store.write_predictions(stage.key, settings, positions, truth)


def test_the_best_so_far_needs_every_data_set(launch):
    progress, plan, items, store = launch
    assert "none is measured yet" in text(progress)
    single = [work for work in items if work.kind == "predict" and work.stages[0].extraction.tuned]
    record(plan, single[0], store, (0.4, 0.9))
    progress.event("done", single[0], "")
    assert progress.snapshot()["best"] is None  # the other data set has a prompt of its own
    record(plan, single[1], store, (0.4, 0.9))
    progress.event("done", single[1], "")
    found = progress.snapshot()["best"]
    assert found["metric"] == "mean/val/pck@0.1"
    assert found["settings"] == {}
    assert f"configuration {found['configuration']}: the baseline" in text(progress)
    assert 0.7 < found["value"] < 1
    trial = of(items, "predict", "text")
    record(plan, trial, store, (1.0, 0.2))
    progress.event("done", trial, "")
    assert progress.snapshot()["best"]["settings"] == {"prompt": "text", "layer": 0}
    assert progress.snapshot()["best"]["value"] == 1
    assert "best so far: mean/val/pck@0.1 100.0 %" in text(progress)


def test_the_best_so_far_is_no_lucky_seed(tmp_path, shapes_root):
    (tmp_path / "mine.yaml").write_text(
        "{design: factorial, baseline: {prompt: empty, ensemble: 1, image_size: 32},"
        " axes: {prompt: [empty, text]}, seeds: 2, data: {evaluate: [spair], pairs: 2}}"
    )
    space = load(str(tmp_path / "mine.yaml"), [f"data.root={shapes_root}", "device=cpu"])
    plan, store = Planner(space).plan(configurations(space)), Store(tmp_path / "store")
    progress, items = Progress(space, store, plan, {}), pending(plan, store)
    progress.planned(plan, items)
    for (prompt, seed), share in {
        ("empty", 0): 0.0, ("empty", 1): 1.0, ("text", 0): 0.8, ("text", 1): 0.8,
    }.items():  # fmt: skip
        for work in items:
            of = work.stages[0].extraction if work.kind == "predict" else None
            if of and (of.prompt, of.seed) == (prompt, seed):
                record(plan, work, store, (share, share))
                progress.event("done", work, "")
                best = progress.snapshot()["best"]
        if seed == 1:
            assert best["settings"].get("prompt", "empty") == prompt
    assert best["value"] < 0.9
