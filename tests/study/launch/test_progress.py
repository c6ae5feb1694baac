"""The progress of a launch: counts, what runs, failures, and the live view's words."""

from study.engine.work import Work, preflight
from study.launch.progress import Progress

from .conftest import of, text


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


def test_a_preflight_runs_and_counts_as_nothing(launch):
    progress, _, items, _ = launch
    first = preflight(items)
    progress.begun(first)
    assert first.label in text(progress)
    progress.event("done", first, "")
    assert sum(kind["done"] for kind in progress.snapshot()["work"].values()) == 0
