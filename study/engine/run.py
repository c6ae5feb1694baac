"""Launching a study: preflight, Ray Tune over the pending work, and what came of it."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ray import tune

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import remove_abandoned
from study.engine import callbacks, cluster
from study.engine.callbacks import Nodes
from study.engine.faults import last_line
from study.engine.listener import Journal, Listener
from study.engine.scheduler import PromptAsha, WorkScheduler
from study.engine.trainable import StageTrainable
from study.engine.work import KEY, Work
from study.engine.work_queue import WorkQueue
from study.plan.plan import Plan, Planner
from study.search.record import Endings
from study.search.search import OptunaSearch
from study.space.designs import configurations
from study.space.space import Space
from study.store.study_folder import StudyFolder


@dataclass
class Outcome:
    """What a launch did.

    Attributes:
        done: labels of the items that were computed.
        failures: key of each failed item to its reason.
        stopped: key of each tuning that was stopped early to the reason; no failure.
    """

    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


def launch(space: Space, planner: Planner, listener: Listener) -> Outcome:
    """Run a study, or continue it: only what the store does not hold is computed.

    Args:
        space: the checked search space.
        planner: plans its configurations.
        listener: is told of all that happens: the events of `WorkQueue`, ``lost`` and ``joined`` (a
            node of the cluster). Events are in the study's ``logs/`` too.

    Returns:
        What was computed and what failed; failed items are missing cells, the rest stands.

    Raises:
        SD4MatchError: data or weights are missing, the preflight failed, or there is no room for
            results. What is computed is kept.
    """
    planner.require_data()
    folder = StudyFolder.of(space)
    remove_abandoned(folder.path)
    outcome, endings = Outcome(), Endings()
    journal = Journal(folder)

    def told(event: str, work: Work, message: str) -> None:
        if event == "done" and work.kind != "preflight":
            outcome.done.append(work.label)
        journal.write(event, work, message)
        listener.event(event, work, message)

    def told_of_node(event: str, place: Work, message: str) -> None:
        if event == "lost":
            queue.excuse_deaths()
        told(event, place, message)

    whole = Plan()
    plans = _plans(space, planner, folder, endings, whole)
    queue = WorkQueue(plans, folder.store, told, endings, listener.planned)
    if queue.start():
        folder.write_failures({})  # those of an earlier launch are tried again
        with cluster.joined(space):
            resources = cluster.resources(space, cluster.memory(whole))
            if cluster.lacking(resources):  # a cluster that grows may get one
                place = Work("place", "cluster", f"cluster {space.file.cluster.address}", ())
                told("note", place, f"waits for a node with {_listed(resources)}")
            workers = cluster.workers(resources)
            listener.started(workers)
            listening = [
                Nodes(told_of_node),
                callbacks.Reports(listener),
                callbacks.Curves(folder.tensorboard),
            ]
            ahead = workers if space.file.cluster.address == cluster.LOCAL else max(workers, 16)
            fit(queue, space, folder, resources, listening, ahead=ahead)
    if queue.full:
        raise SD4MatchError(f"{queue.full}; then launch again: what is done is kept")
    if KEY in queue.failures:
        # Nothing ran but the preflight: that is a mistake to mend, not a study with holes.
        raise SD4MatchError(last_line(queue.failures[KEY]))
    outcome.failures, outcome.stopped = queue.failures, endings.stopped
    folder.write_failures({**queue.failures, **endings.stopped})
    return outcome


def _listed(resources: dict[str, float]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in resources.items() if amount)


def _plans(
    space: Space, planner: Planner, folder: StudyFolder, endings: Endings, whole: Plan
) -> Iterator[Plan]:
    """The plans of a design, each added to the whole, and to the study's folder, before it runs."""
    if space.file.design == "search":
        plans = OptunaSearch(space, planner, folder, endings).plans()
    else:
        plans = iter([planner.plan(configurations(space))])
    for plan in plans:
        # Only now: a mistake leaves no half-made study behind.
        folder.write_space(space)
        whole.update(plan)
        folder.write_plan(whole)
        yield plan


def fit(
    queue: WorkQueue,
    space: Space,
    folder: StudyFolder,
    resources: dict[str, float],
    listening: Sequence[tune.Callback],
    *,
    ahead: int,
    trainable: type[tune.Trainable] = StageTrainable,
) -> None:
    """Let Ray Tune do what a queue hands out, on the Ray that is there.

    Args:
        queue: of work items.
        space, folder: of the study.
        resources: of a trial.
        listening: callbacks besides those that the space names.
        ahead: how many items may be handed out before there is a worker for them.
        trainable: does an item.
    """
    # What a user's callbacks write stands in their trials' folders, and is kept; what Tune itself
    # writes nobody needs.
    named = space.file.callbacks
    searches = space.file.design == "search"
    asha = space.file.search.asha if searches else None

    def more() -> bool:
        return searches or queue.more  # a generation that ends is not the last one

    scheduler = (
        PromptAsha(asha, queue.endings, more) if asha else WorkScheduler(queue.endings, more)
    )
    # So many trials may wait for workers, and tell a cluster that grows how far.
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(ahead)
    with tempfile.TemporaryDirectory(prefix="sd4match-study-") as scratch:
        storage = folder.path / "ray" if named else Path(scratch)
        tune.Tuner(
            tune.with_resources(trainable, resources),
            param_space={"store": folder.store.place, "rule": asdict(space.rule)},
            tune_config=tune.TuneConfig(
                search_alg=queue,
                scheduler=scheduler,
                num_samples=-1,  # until the queue says that it is finished
                reuse_actors=True,
                trial_dirname_creator=lambda t: f"{callbacks.named(t.config['work'])}-{t.trial_id}",
            ),
            run_config=tune.RunConfig(
                stop=_NoRoom(queue),
                name=f"launch-{len(list(storage.glob('launch-*'))) + 1}",
                storage_path=str(storage),
                callbacks=[callbacks.Silent(), *listening, *callbacks.create(named)],
                verbose=0,
                # The queue tries again: it knows what failed, and how often.
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        ).fit()


class _NoRoom(tune.Stopper):
    """Ends all trials at once when results can no longer be written."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue

    def __call__(self, trial_id: str, result: dict[str, object]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._queue.full is not None
