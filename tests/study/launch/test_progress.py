"""A launch told by its engine: counts, what runs, the best so far, time left, and its words."""

import json

import numpy as np
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.engine.work import Work, pending, preflight
from study.launch.progress import Progress
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load
from study.store import timings
from study.store.store import Store
from study.tables.status import live_lines

SPACE = """
design: factorial
baseline: {prompt: single, length: 2, ensemble: 1, image_size: 32}
axes: {prompt: [text, single], layer: [0, 1]}
data: {evaluate: [pf_pascal, spair], pairs: 2}
recipe: {steps: 16}
"""


@pytest.fixture
def space(tmp_path, shapes_root):
    (tmp_path / "mine.yaml").write_text(SPACE)
    here = [f"data.root={shapes_root}", "device=cpu", "dtype=float32"]
    return load(str(tmp_path / "mine.yaml"), here)


@pytest.fixture
def launch(space, tmp_path):
    """A planned launch: (progress, plan, items, store)."""
    plan, store = Planner(space).plan(configurations(space)), Store(tmp_path / "store")
    progress, items = Progress(space, store, plan, {}), pending(plan, store)
    progress.planned(plan, items)
    return progress, plan, items, store


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


def text(progress):
    return "\n".join(live_lines(json.loads(json.dumps(progress.snapshot()))))


def of(items, kind, label=""):
    return next(work for work in items if work.kind == kind and label in work.label)


def test_counts_are_of_the_plan_by_kind(launch):
    progress, _, items, _ = launch
    latents = of(items, "latents")
    assert "latents  ╌" in text(progress)
    assert "0/6" in text(progress)
    progress.begun(latents)
    assert [item["label"] for item in progress.snapshot()["running"]] == [latents.label]
    progress.event("done", latents, "")
    found = progress.snapshot()
    assert found["work"]["latents"] == {
        "total": 6, "computed": 0, "done": 1, "failed": 0, "stopped": 0,
    }  # fmt: skip
    assert found["running"] == []
    assert (found["work"]["tune"]["total"], found["work"]["predict"]["total"]) == (2, 3)


def test_what_the_store_holds_was_there(launch, space):
    _, plan, items, store = launch
    again = Progress(space, store, plan, {})
    again.planned(plan, [work for work in items if work.kind == "predict"])
    assert "2/2  (2 already computed)" in text(again)


def test_a_tuning_shows_where_it_is(launch):
    progress, _, items, _ = launch
    tune = of(items, "tune")
    progress.begun(tune)
    progress.report(tune, {"hostname": "here"})  # only a sign of life
    progress.report(tune, {"epoch": 1, "step": 2, "loss": 3.25, "val_pck": 0.5})
    progress.report(tune, {"step": 3, "loss": 3.0})
    assert f"{tune.label}: epoch 1/8, step 3/16, loss 3, val PCK 50.0 %" in text(progress)


def test_a_trial_counts_its_splits(launch):
    progress, _, items, _ = launch
    trial = of(items, "predict", "text")
    progress.begun(trial)
    progress.report(trial, {"split": "pf_pascal val"})
    assert f"{trial.label}: 1/4 splits" in text(progress)


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
    assert found["settings"] == {"prompt": "single", "layer": 1}
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
        " axes: {prompt: [empty, text], seed: [0, 1]}, data: {evaluate: [spair], pairs: 2}}"
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
            assert best["settings"]["prompt"] == prompt
    assert best["settings"]["seed"] == 0
    assert best["value"] < 0.9


def test_failures_and_incidents_are_a_line_each(launch):
    progress, _, items, _ = launch
    latents, tune = of(items, "latents"), of(items, "tune")
    progress.begun(tune)
    progress.event("retry", tune, "its worker was killed")
    assert progress.snapshot()["running"] == []  # it waits again
    progress.event("node_lost", Work("node", "n1", "node 10.0.0.2", ()), "2 items start again")
    progress.event("failed", latents, "Traceback\n  …\nOSError: truncated image")
    said = text(progress).splitlines()
    assert f"  retry {tune.label}: its worker was killed" in said
    assert "  node_lost node 10.0.0.2: 2 items start again" in said
    assert f"  {latents.label}: OSError: truncated image" in said
    assert progress.snapshot()["failed"] == 1


def test_time_left_is_known_when_every_kind_was_timed_and_shrinks(launch):
    progress, _, items, store = launch
    assert "time left: unknown" in text(progress)
    machine = of(items, "tune").stages[0].machine
    for kind in ("latents", "tune", "predict"):
        store.timings.record(machine, kind, key="a", tflop=1.0, seconds=1000.0)
    progress._time._read = -1e9  # as after some seconds
    low, high = progress.snapshot()["left"]
    assert 0 < low < high
    progress.started(2)
    half = progress.snapshot()["left"]
    assert low / 2 <= half[0] < low
    assert high / 2 < half[1] < high
    for work in items:
        progress.begun(work)
        progress.event("done", work, "")
    assert progress.snapshot()["left"] == [0, 0]


def test_a_search_counts_on_what_it_will_propose(launch, space):
    _, plan, items, store = launch
    machine = of(items, "tune").stages[0].machine
    store.timings.record(machine, "tune", key="a", tflop=1.0, seconds=100.0)
    searching = Progress(space, store, plan, {(machine, "tune"): 5.0})
    assert searching.snapshot()["left"] == [5 * 100 / timings.MARGIN, 5 * 100 * timings.MARGIN]


def test_a_preflight_runs_and_counts_as_nothing(launch):
    progress, _, items, _ = launch
    first = preflight(items)
    progress.begun(first)
    assert first.label in text(progress)
    progress.event("done", first, "")
    assert sum(kind["done"] for kind in progress.snapshot()["work"].values()) == 0
