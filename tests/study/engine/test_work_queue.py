"""The queue that feeds Ray Tune: needs before what needs them, failures, plan after plan."""

import random

import numpy as np
import pytest
from ray.tune.search import Searcher

from sd4match.files import seal
from sd4match.pck.ground_truth import GroundTruth
from study.engine.faults import TRIES
from study.engine.work import PREFLIGHT, outstanding, pending
from study.engine.work_queue import WorkQueue
from study.store.store import Store

SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1}
axes: {prompt: [text, single]}
data: {evaluate: [pf_pascal, spair], pairs: 2}
"""


@pytest.fixture(scope="module")
def plan(plan_on):
    return plan_on(SPACE)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def queue_of(store):
    """A queue over the pending work of plans, with its ``events`` in order."""

    def make(plans):
        events = []

        def on_event(*event):
            events.append(event)

        work = outstanding(plans, store, on_event, lambda plan, items: None)
        queue = WorkQueue(work, on_event)
        queue.events = events  # type: ignore[attr-defined]
        return queue

    return make


class Trials:
    """Ray's side: as many trials at once as the queue gives."""

    def __init__(self, queue):
        self.queue = queue
        self.running = {}
        self.count = 0

    def fill(self):
        """Start all that may start; what the queue said last."""
        while isinstance(answer := self.queue.suggest(f"t{self.count}"), dict):
            self.running[f"t{self.count}"] = answer["work"]
            self.count += 1
        return answer

    def end(self, work, **result):
        """End the trial of a work item; ``error=True`` for a worker that died."""
        trial = next(trial for trial, running in self.running.items() if running == work)
        del self.running[trial]
        error = result.pop("error", False)
        self.queue.on_trial_complete(trial, None if error else {"done": True} | result, error)

    def works(self, kind):
        return [work for work in self.running.values() if work.kind == kind]


def finish(work, store):
    """What a worker leaves in the store."""
    for stage in work.stages:
        if work.kind == "latents":
            store.latents_mark(stage.key).parent.mkdir(parents=True, exist_ok=True)
            store.latents_mark(stage.key).touch()
        elif work.kind == "tune":
            store.prompt(stage.key).parent.mkdir(parents=True)
            store.prompt(stage.key).write_text(seal.BLANK)
            seal.close(store.prompt(stage.key))
        elif work.kind == "predict":
            truth, settings = GroundTruth.of(stage.data.open()), work.settings[stage.key]
            positions = np.zeros((len(settings), *truth.keypoints.shape))
            store.write_predictions(stage.key, settings, positions, truth)


def run(queue, store, choose):
    """Do everything; ``choose`` picks which of the running trials ends next. The items in order."""
    trials, order = Trials(queue), []
    while trials.fill() != Searcher.FINISHED:
        work = choose(list(trials.running.values()))
        finish(work, store)
        trials.end(work)
        order.append(work)
    return order


def first(works):
    return works[0]


def test_nothing_starts_before_the_preflight_is_done(queue_of, plan):
    queue = queue_of([plan])
    trials = Trials(queue)
    assert trials.fill() is None
    (item,) = trials.running.values()
    assert item.kind == "preflight"
    trials.end(item)
    trials.fill()
    assert {work.kind for work in trials.running.values()} == {"latents"}


def test_what_needs_something_waits_for_it_and_for_nothing_else(queue_of, plan):
    queue = queue_of([plan])
    trials = Trials(queue)
    trials.fill()
    trials.end(*trials.works("preflight"))
    trials.fill()
    latents = {w.label: w for w in trials.works("latents")}
    train, val, test = (latents[f"latents pf_pascal {s}"] for s in ("train", "val", "test"))
    assert trials.fill() is None
    trials.end(train)
    trials.fill()
    assert trials.works("tune") == []
    trials.end(val)
    trials.fill()
    (tune,) = trials.works("tune")  # although SPair-71k is not encoded yet
    trials.end(test)
    trials.fill()
    assert trials.works("predict") == []
    trials.end(tune)
    assert trials.fill() is None
    (predict,) = trials.works("predict")
    assert predict.stages[0].extraction.prompt == tune.key


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_whatever_ends_first_all_is_done_once_and_in_order(queue_of, plan, store, seed):
    wanted = {work.key: work for work in pending(plan, store)}
    queue = queue_of([plan])
    order = run(queue, store, random.Random(seed).choice)
    keys = [work.key for work in order]
    assert sorted(keys) == sorted([PREFLIGHT, *wanted])
    for key, work in wanted.items():
        assert all(keys.index(need) < keys.index(key) for need in work.needs)
    started = [work.key for event, work, _ in queue.events if event == "start"]
    ended = [work.key for event, work, _ in queue.events if event == "done"]
    assert sorted(started) == sorted(keys)
    assert ended == keys
    assert queue.failures == {}


@pytest.mark.slow
def test_it_is_finished_when_the_last_trial_has_ended(queue_of, plan, store):
    queue = queue_of([plan])
    *_, last = run(queue, store, first)
    assert queue.suggest("more") == Searcher.FINISHED
    again = queue_of([plan])
    assert again.suggest("t") == Searcher.FINISHED  # all was computed already
    assert again.events == []
    assert last.kind == "predict"


def test_none_is_said_while_a_trial_runs(queue_of, plan):
    queue = queue_of([plan])
    assert queue.suggest("t0")["work"].kind == "preflight"
    assert queue.suggest("t1") is None
    assert queue.suggest("t1") is None


def test_a_failure_takes_along_what_needs_it_and_says_why(queue_of, plan, store):
    queue = queue_of([plan])
    trials = Trials(queue)
    trials.fill()
    trials.end(*trials.works("preflight"))
    trials.fill()
    broken = next(work for work in trials.works("latents") if "pf_pascal train" in work.label)
    trials.end(broken, fault="mistake", failure="Traceback\n  …\nOSError: truncated image")
    (tune,) = (key for key, tune in plan.tunes.items() if tune.train.dataset == "pf_pascal")
    (predict,) = (key for key, (e, _) in plan.extractions.items() if e.prompt == tune)
    assert queue.failures == {
        broken.key: "Traceback\n  …\nOSError: truncated image",
        tune: "latents pf_pascal train failed: OSError: truncated image",
        predict: f"{plan.tunes[tune].label} failed: latents pf_pascal train failed: "
        "OSError: truncated image",
    }
    assert [w.key for event, w, _ in queue.events if event == "failed"] == [*queue.failures]
    # All else is done.
    while trials.fill() != Searcher.FINISHED:
        work = next(iter(trials.running.values()))
        finish(work, store)
        trials.end(work)
    assert {work.key for work in pending(plan, store)} == set(queue.failures)


def latents_running(queue):
    """Trials in which only latents are left to end."""
    trials = Trials(queue)
    trials.fill()
    trials.end(*trials.works("preflight"))
    trials.fill()
    return trials


def told(queue, *events):
    return [(event, message) for event, _, message in queue.events if event in events]


@pytest.mark.parametrize("fault", [fault for fault in TRIES if fault != "full"])
def test_what_may_go_well_another_time_is_tried_again(queue_of, plan, fault):
    tries = TRIES[fault]
    queue = queue_of([plan])
    trials = latents_running(queue)
    broken, *_ = trials.works("latents")
    for number in range(1, tries + 1):
        assert broken.key not in queue.failures
        assert broken in trials.running.values()
        trials.end(broken, fault=fault, failure="Traceback\n  …\nits reason")
        assert told(queue, "retry") == [("retry", "its reason")] * min(number, tries - 1)
        trials.fill()
    assert queue.failures[broken.key] == "Traceback\n  …\nits reason"
    assert broken not in trials.running.values()


def test_a_death_is_told_with_its_cause_and_counted(queue_of, plan):
    queue = queue_of([plan])
    trials = latents_running(queue)
    broken, *_ = trials.works("latents")
    for _ in range(TRIES["worker"]):
        (trial,) = (trial for trial, work in trials.running.items() if work == broken)
        queue.on_trial_result(trial, {"hostname": "here", "pid": 1})
        queue.errors[trial] = ("worker", "its worker was killed")
        trials.end(broken, error=True)
        trials.fill()
    assert queue.errors == {}
    assert queue.failures[broken.key] == "its worker was killed (3 times)"


def test_a_death_before_a_node_is_missed_is_the_nodes(queue_of, plan):
    queue = queue_of([plan])
    trials = latents_running(queue)
    broken, *_ = trials.works("latents")

    def die(times):
        for _ in range(times):
            (trial,) = (trial for trial, work in trials.running.items() if work == broken)
            queue.on_trial_result(trial, {"hostname": "here", "pid": 1})
            queue.errors[trial] = ("worker", "its worker was killed")
            trials.end(broken, error=True)
            trials.fill()

    for _ in range(2):  # nodes
        die(TRIES["worker"] - 1)
        queue.excuse_deaths()
    assert queue.failures == {}
    die(TRIES["worker"])
    assert queue.failures[broken.key] == "its worker was killed (3 times)"


def test_a_worker_that_died_while_idle_is_not_its_next_items_fault(queue_of, plan):
    queue = queue_of([plan])
    trials = latents_running(queue)
    waiting, *_ = trials.works("latents")
    for _ in range(TRIES["worker"] + 1):  # none of them began with it
        (trial,) = (trial for trial, work in trials.running.items() if work == waiting)
        queue.errors[trial] = ("worker", "its worker was killed")
        trials.end(waiting, error=True)
        trials.fill()
    assert queue.failures == {}
    assert waiting in trials.running.values()


def test_a_tuning_that_gets_on_may_lose_any_number_of_workers(queue_of, plan, store):
    queue = queue_of([plan])
    trials = latents_running(queue)
    while not trials.works("tune"):
        work = trials.works("latents")[0]
        finish(work, store)
        trials.end(work)
        trials.fill()
    (tune, *_) = trials.works("tune")
    for epoch in range(1, 3 * TRIES["worker"]):
        (trial,) = (trial for trial, work in trials.running.items() if work == tune)
        queue.on_trial_result(trial, {"epoch": epoch, "hostname": "here", "pid": 1, "notes": []})
        trials.end(tune, error=True)
        trials.fill()
    assert tune.key not in queue.failures


def test_a_full_disk_starts_nothing_more_and_fails_nothing(queue_of, plan):
    queue = queue_of([plan])
    trials = latents_running(queue)
    broken, begun, *others = trials.works("latents")
    (trial,) = (trial for trial, work in trials.running.items() if work == begun)
    queue.on_trial_result(trial, {"hostname": "here", "pid": 1})
    trials.end(broken, fault="full", failure="x cannot be written (No space left on device)")
    assert "No space left" in queue.full
    assert told(queue, "stopped") == [("stopped", "there is no room for its result")]
    assert trials.fill() is None  # Ray is about to stop the others, or they come to the same end
    for work in (begun, *others):
        trials.end(work, fault="full", failure="another file")
    assert trials.fill() == Searcher.FINISHED
    assert queue.failures == {}
    assert queue.full.startswith("x cannot be written")
    assert len(told(queue, "stopped")) == 1


def test_a_warning_of_a_worker_is_a_note(queue_of, plan):
    queue = queue_of([plan])
    trials = latents_running(queue)
    work, *_ = trials.works("latents")
    trials.end(work, notes=["out of memory with batches of 8: goes on with 4"])
    assert told(queue, "note") == [("note", "out of memory with batches of 8: goes on with 4")]


@pytest.mark.slow
def test_plans_come_one_after_the_other(queue_of, plan, plan_on, store):
    asked = []

    def plans():
        for name, next_plan in (("one", plan), ("two", later), ("three", later)):
            asked.append((name, len(pending(plan, store))))
            yield next_plan

    later = plan_on(SPACE, "baseline.timestep=261")
    queue = queue_of(plans())
    order = run(queue, store, first)
    # The second is asked for when nothing of the first is left, and the third adds nothing to it.
    assert [(name, left) for name, left in asked if name != "one"] == [("two", 0), ("three", 0)]
    # What a later proposal meets is its own failure: only the first plan has a preflight.
    assert [work.kind for work in order].count("preflight") == 1
    new = order[len(order) - 3 :]
    assert {work.kind for work in new} == {"predict"}
    assert all(work.stages[0].extraction.timestep == 261 for work in new)


@pytest.mark.slow
def test_the_first_plan_with_work_is_preflighted(queue_of, plan, plan_on, store):
    queue = queue_of([plan])
    run(queue, store, first)
    later = plan_on(SPACE, "baseline.timestep=261")
    queue = queue_of([plan, later])
    item = queue.suggest("t")["work"]
    assert item.kind == "preflight"
    assert {stage.extraction.timestep for stage in item.stages} == {261}


@pytest.mark.slow
def test_what_failed_is_not_tried_again_nor_what_needs_it(queue_of, plan, plan_on, store):
    queue = queue_of([plan, plan_on(SPACE, "baseline.timestep=261")])
    trials = Trials(queue)
    told = []
    while trials.fill() != Searcher.FINISHED:
        work = next(iter(trials.running.values()))
        told.append(work)
        if work.kind == "tune" and work.stages[0].train.dataset == "spair":
            trials.end(work, fault="mistake", failure="loss is not finite")
            broken = work
        else:
            finish(work, store)
            trials.end(work)
    assert told.count(broken) == 1
    needing = {
        work.key: work.stages[0].extraction
        for event, work, _ in queue.events
        if event == "failed" and work is not broken
    }
    # Its prompt was wanted at 50 in the first plan and at 261 in the second.
    assert {extraction.timestep for extraction in needing.values()} == {50, 261}
    assert {extraction.prompt for extraction in needing.values()} == {broken.key}
    reason = f"{broken.label} failed: loss is not finite"
    assert {queue.failures[key] for key in needing} == {reason}
    assert not needing.keys() & {work.key for work in told}


@pytest.mark.slow
def test_a_preflight_that_fails_ends_the_study(queue_of, plan, plan_on):
    # A second plan that shares nothing with the first.
    queue = queue_of([plan, plan_on(SPACE, "baseline.image_size=64")])
    trials = Trials(queue)
    trials.fill()
    (item,) = trials.running.values()
    trials.end(item, fault="mistake", failure="preflight: predict text t=50: out of memory")
    assert trials.fill() == Searcher.FINISHED
    assert trials.count == 1
    assert queue.failures[PREFLIGHT] == "preflight: predict text t=50: out of memory"
    others = {reason for key, reason in queue.failures.items() if key != PREFLIGHT}
    assert all("out of memory" in reason for reason in others)


def test_what_may_not_begin_is_left_with_all_that_needs_it(plan, store):
    waiting = pending(plan, store)
    asked = []

    def allows(work):
        asked.append(work.kind)
        return work.kind != "tune"

    queue = WorkQueue(iter([waiting, waiting]), lambda *event: None, None, allows)
    order = run(queue, store, first)
    assert {work.kind for work in order} == {"preflight", "latents", "predict"}
    left = {work.key for work in waiting} - {work.key for work in order}
    assert {work.kind for work in waiting if work.key in left} == {"tune", "predict"}
    assert queue.left == len(left) > 1
    assert queue.failures == {}
    assert {"preflight", "tune"} <= set(asked)
