"""Launching a study: preflight, Ray Tune over the pending work, and what came of it."""

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import ray
from ray import tune

from sd4match.errors import SD4MatchError
from study.engine import callbacks, cluster, preflight
from study.engine.asha import PromptAsha
from study.engine.listener import Listener
from study.engine.stops import Stops
from study.engine.trainable import StageTrainable
from study.engine.work import Work
from study.engine.work_queue import WorkQueue
from study.folder import StudyFolder
from study.plan import Plan, Planner
from study.search.search import OptunaSearch
from study.space import Space

WORKER_DEATHS = 2  # how often a trial is started again when its worker or node died


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
        listener: is told of all that happens.

    Returns:
        What was computed and what failed; failed items are missing cells, the rest stands.

    Raises:
        SD4MatchError: data or weights are missing, or the preflight failed.
    """
    planner.require_data()
    folder = StudyFolder.of(space)
    outcome = Outcome()

    def told(event: str, work: Work, message: str) -> None:
        if event == "done" and work.kind != "preflight":
            outcome.done.append(work.label)
        listener.event(event, work, message)

    stops = Stops()
    plans = _plans(space, planner, folder, stops)
    queue = WorkQueue(plans, folder.store, told, stops, listener.planned)
    if queue.start():
        folder.write_failures({})  # those of an earlier launch are tried again
        with (
            cluster.joined(space),
            tempfile.TemporaryDirectory(prefix="sd4match-study-") as scratch,
        ):
            listener.started(_workers(space))
            _fit(queue, space, folder, stops, listener, scratch=Path(scratch))
    if preflight.KEY in queue.failures:
        # Nothing ran but the preflight: that is a mistake to mend, not a study with holes.
        raise SD4MatchError(last_line(queue.failures[preflight.KEY]))
    outcome.failures, outcome.stopped = queue.failures, stops.reasons
    folder.write_failures({**queue.failures, **stops.reasons})
    return outcome


def _plans(space: Space, planner: Planner, folder: StudyFolder, stops: Stops) -> Iterator[Plan]:
    """The plans of a design, each written to the study's folder before it runs."""
    if space.file.design == "search":
        plans = OptunaSearch(space, planner, folder, stops).plans()
    else:
        plans = iter([planner.plan(space.configurations())])
    whole = Plan()
    for plan in plans:
        # Only now: a mistake leaves no half-made study behind.
        folder.write_space(space)
        whole.update(plan)
        folder.write_plan(whole)
        yield plan


def last_line(text: str) -> str:
    """The last line of a traceback or a message: what went wrong."""
    return text.strip().splitlines()[-1]


def _workers(space: Space) -> int:
    """How many items run at a time on the nodes that are there now."""
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    wanted = {name: amount for name, amount in cluster.resources(space).items() if amount}
    return max(1, min(int(there.get(name, 0) / amount) for name, amount in wanted.items()))


def _fit(
    queue: WorkQueue,
    space: Space,
    folder: StudyFolder,
    stops: Stops,
    listener: Listener,
    *,
    scratch: Path,
) -> None:
    named = space.file.callbacks
    # What callbacks write stands in their trials' folders, and is kept.
    storage = folder.path / "ray" if named else scratch
    earlier = len(list(storage.glob("launch-*")))
    asha = space.file.search.asha if space.file.design == "search" else None
    tuner = tune.Tuner(
        tune.with_resources(StageTrainable, cluster.resources(space)),
        param_space={"store": str(folder.store.folder), "rule": asdict(space.rule)},
        tune_config=tune.TuneConfig(
            search_alg=queue,
            scheduler=PromptAsha(asha, stops) if asha else None,
            num_samples=-1,  # until the queue says that it is finished
            reuse_actors=True,
            trial_dirname_creator=lambda t: f"{callbacks.named(t.config['work'])}-{t.trial_id}",
        ),
        run_config=tune.RunConfig(
            name=f"launch-{earlier + 1}",
            storage_path=str(storage),
            callbacks=[
                callbacks.Reports(listener),
                callbacks.Curves(folder.tensorboard),
                *callbacks.create(named),
            ],
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=WORKER_DEATHS),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    tuner.fit()
