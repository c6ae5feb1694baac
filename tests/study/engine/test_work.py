"""Pending work: what a plan wants and the store does not hold, in the order of its needs."""

import numpy as np
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.engine.work import outstanding, pending
from study.store.store import Store
from study.store.timings import Timings

SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1}
axes: {prompt: [empty, single], timestep: [50, 261], kernel: [3, 7]}
data: {evaluate: [pf_pascal, pf_willow], pairs: 3}
"""


@pytest.fixture(scope="module")
def plan(plan_on):
    return plan_on(SPACE)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def mark(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def record(plan, store, key, settings=None):
    settings = list(plan.settings[key] if settings is None else settings)
    truth = GroundTruth.of(plan.predicts[key].data.open())
    positions = np.zeros((len(settings), *truth.keypoints.shape))
    store.write_predictions(key, settings, positions, truth)


def kinds(work):
    return [item.kind for item in work]


def test_latents_come_first_then_prompts_then_predictions(plan, store):
    work = pending(plan, store)
    # Splits: train, val, test of PF-Pascal and test of PF-Willow; one prompt for both; `empty` at
    # one timestep, `single` at two.
    assert kinds(work) == ["latents"] * 4 + ["tune"] + ["predict"] * 3
    started = set()
    for item in work:
        assert set(item.needs) <= started
        started.add(item.key)
    assert len(started) == len(work)


def test_needs_are_the_splits_and_the_prompt(plan, store):
    work = pending(plan, store)
    of = {item.key: item.stages[0].data for item in work if item.kind == "latents"}
    (tune,) = (item for item in work if item.kind == "tune")
    assert {of[need].split for need in tune.needs} == {"train", "val"}
    for item in work:
        if item.kind == "predict":
            extraction = item.stages[0].extraction
            assert {of[need] for need in item.needs if need in of} == {
                stage.data for stage in item.stages
            }
            assert (tune.key in item.needs) == extraction.tuned == (extraction.prompt == tune.key)


def test_a_trial_is_an_extraction_with_all_its_splits(plan, store):
    for item in pending(plan, store):
        if item.kind == "predict":
            assert len({stage.extraction for stage in item.stages}) == 1
            splits = [(stage.data.dataset, stage.data.split) for stage in item.stages]
            assert splits == [("pf_pascal", "val"), ("pf_pascal", "test"), ("pf_willow", "test")]
            assert item.settings == {
                stage.key: tuple(plan.settings[stage.key]) for stage in item.stages
            }


def test_needs_that_are_met_are_none(plan, store):
    for key in plan.latents:
        mark(store.latents_mark(key))
    work = pending(plan, store)
    assert kinds(work) == ["tune"] + ["predict"] * 3
    assert work[0].needs == ()
    assert [item.needs for item in work[1:]] == [
        (work[0].key,) if item.stages[0].extraction.tuned else () for item in work[1:]
    ]
    mark(store.prompt(work[0].key))
    work = pending(plan, store)
    assert kinds(work) == ["predict"] * 3
    assert all(item.needs == () for item in work)


def test_an_unfinished_tuning_is_still_pending(plan, store):
    (key,) = plan.tunes
    mark(store.checkpoint(key))
    mark(store.curves(key))
    assert "tune" in kinds(pending(plan, store))


def test_latents_that_nobody_waits_for_are_not_computed(plan, store):
    (tune,) = plan.tunes
    mark(store.prompt(tune))
    willow = [key for key, stage in plan.predicts.items() if stage.data.dataset == "pf_willow"]
    for key in plan.predicts:
        if key not in willow:
            record(plan, store, key)
    work = pending(plan, store)
    assert [item.label for item in work if item.kind == "latents"] == ["latents pf_willow test"]
    assert {stage.key for item in work if item.kind == "predict" for stage in item.stages} == set(
        willow
    )


def test_only_the_settings_that_are_missing_are_wanted(plan, store):
    key = next(key for key, settings in plan.settings.items() if len(settings) > 1)
    first, *others = plan.settings[key]
    record(plan, store, key, [first])
    assert store.stored(plan).missing(plan, plan.predicts[key]) == tuple(others)
    (item,) = (item for item in pending(plan, store) if key in item.settings)
    assert item.settings[key] == tuple(others)


def test_times_and_scores_are_not_read(plan, store, monkeypatch):
    monkeypatch.setattr(Timings, "rate", lambda *_: pytest.fail("times were read"))
    key = next(iter(plan.predicts))
    record(plan, store, key)
    mark(store.folder / "score" / key / "abcd.parquet")
    assert pending(plan, store)
    assert store.stored(plan).scores == {}
    assert store.stored(plan, scores=True).scores == {key: {"abcd"}}


def test_nothing_is_left_when_the_store_has_all(plan, store):
    for key in plan.latents:
        mark(store.latents_mark(key))
    for key in plan.tunes:
        mark(store.prompt(key))
    for key in plan.predicts:
        assert pending(plan, store)
        record(plan, store, key)
    assert pending(plan, store) == []


@pytest.mark.slow
def test_records_of_more_than_is_wanted_are_enough(plan, plan_on, store):
    fewer = plan_on(SPACE, "axes.kernel=[3]", "axes.timestep=[50]")
    for key in plan.tunes:
        mark(store.prompt(key))
    for key in plan.predicts:
        record(plan, store, key)
    assert pending(fewer, store) == []


@pytest.mark.slow
def test_the_order_does_not_depend_on_the_day(plan, plan_on, store):
    assert pending(plan, store) == pending(plan_on(SPACE), store)


@pytest.mark.slow
def test_items_are_listed_plan_by_plan_when_asked_for(plan_on, store):
    asked, planned = [], []

    def plans():
        for timestep in (50, 261):
            asked.append(timestep)
            yield plan_on(SPACE, f"baseline.timestep={timestep}")

    work = outstanding(
        plans(),
        store,
        lambda *event: pytest.fail(str(event)),
        lambda plan, items: planned.append((plan, items)),
    )
    items = next(work)
    assert asked == [50]
    (plan, same), *rest = planned
    assert items == same == pending(plan, store)
    assert rest == []
    assert len(list(work)) == 1
    assert asked == [50, 261]
