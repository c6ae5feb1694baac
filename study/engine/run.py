"""Run pending work on Ray Tune; return what was computed, failed or stopped."""

import os
import tempfile
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from ray import tune

from sd4match.errors import SD4MatchError
from study.engine import callbacks, cluster
from study.engine.callbacks import Nodes
from study.engine.faults import last_line
from study.engine.listener import Listener
from study.engine.scheduler import PromptAsha, WorkScheduler
from study.engine.stopping import Halt
from study.engine.trainable import StageTrainable
from study.engine.work import PREFLIGHT, Outcome, Work
from study.engine.work_queue import WorkQueue
from study.space.space import Space
from study.store.study_folder import StudyFolder

AHEAD = 16
"""The fewest items that wait for a worker on a cluster: one that grows sees from them how far."""


def _always(work: Work) -> bool:
    return True


def _nothing() -> None:
    pass


def launch(
    work: Iterator[list[Work]],
    space: Space,
    folder: StudyFolder,
    listener: Listener,
    *,
    memory: float = 0.0,
    stopped: dict[str, str] | None = None,
    spared: Container[str] = (),
    allows: Callable[[Work], bool] = _always,
    check: Callable[[], None] = _nothing,
) -> Outcome:
    """Compute the pending work of a study's plans on Ray.

    Args:
        work: lists of pending items, one per plan: see `study.engine.work.outstanding`. The next is
            asked for when all items of the last one have ended.
        space: the checked search space: its cluster, resources, callbacks and scoring rule.
        folder: of the study.
        listener: is called with everything that happens: the events of `WorkQueue`, and ``lost``
            and ``joined`` of the nodes of a cluster.
        memory: bytes of a node that a worker needs, about; 0 where that is not what is short.
        stopped: key of each tuning that was stopped early to the reason; ASHA adds to it.
        spared: keys of tune stages that ASHA must not stop; asked at each report.
        allows: whether an item may begin; when nothing runs and none may, the rest is left.
        check: called at each step; raises `Halt` to leave what is not done, or KeyboardInterrupt.

    Returns:
        What was computed and what failed. What depends on a failed item is missing, the rest is in
        the store.

    Raises:
        SD4MatchError: the preflight failed, no Ray cluster can be reached, or there is no room for
            results. What was computed is kept.
    """

    def on_node(event: str, place: Work, message: str) -> None:
        if event == "lost":
            queue.excuse_deaths()
        listener.event(event, place, message)

    queue, halted = WorkQueue(work, listener.event, stopped, allows), None
    with cluster.joined(space):
        resources = cluster.resources(space, cluster.available(memory))
        if cluster.lacking(resources):  # a cluster that grows may get one
            place = Work("place", "cluster", f"cluster {space.file.cluster.address}", ())
            listener.event("note", place, f"waits for a node with {_listed(resources)}")
        workers = cluster.workers(resources)
        listener.started(workers)
        listening = [
            Nodes(on_node),
            callbacks.Reports(listener),
            callbacks.Curves(folder.tensorboard),
            callbacks.Steps(check),
        ]
        local = space.file.cluster.address == cluster.LOCAL
        ahead = workers if local else max(workers, AHEAD)
        try:
            fit(queue, space, folder, resources, listening, ahead=ahead, spared=spared)
        except Halt as halt:
            halted = str(halt)
    if queue.full:
        raise SD4MatchError(f"{queue.full}; then launch again: what is done is kept")
    if PREFLIGHT in queue.failures:
        # Nothing but the preflight ran: a mistake to correct, not a study with missing results.
        raise SD4MatchError(last_line(queue.failures[PREFLIGHT]))
    return Outcome(queue.done, queue.failures, queue.stopped, halted, queue.left)


def _listed(resources: dict[str, float]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in resources.items() if amount)


def fit(
    queue: WorkQueue,
    space: Space,
    folder: StudyFolder,
    resources: dict[str, float],
    listening: Sequence[tune.Callback],
    *,
    ahead: int,
    spared: Container[str] = (),
    trainable: type[tune.Trainable] = StageTrainable,
) -> None:
    """Let Ray Tune compute what a queue hands out, on the Ray that is running.

    Args:
        queue: of work items.
        space, folder: of the study.
        resources: of a trial.
        listening: callbacks besides those that the space names.
        ahead: how many items may be handed out before there is a worker for them.
        spared: keys of tune stages that ASHA must not stop.
        trainable: computes an item.
    """
    # A user's callbacks write into the folders of their trials, which are kept; nobody needs what
    # Tune itself writes.
    named = space.file.callbacks
    searches = space.file.design == "search"
    asha = space.file.search.asha if searches else None

    def more() -> bool:
        return searches or queue.more  # a generation that ends is not the last one

    scheduler = (
        PromptAsha(asha, queue.stopped, spared, errors=queue.errors, more=more)
        if asha
        else WorkScheduler(queue.errors, more)
    )
    # So many trials may wait for workers: a cluster that grows sees from them how many it needs.
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
