"""Launching a study: preflight, Ray Tune over the pending work, and what came of it."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray import tune

from sd4match.backbones import choose_device
from sd4match.errors import SD4MatchError
from study.engine import preflight
from study.engine.search import OptunaSearch
from study.engine.trainable import StageTrainable
from study.engine.work import Work
from study.engine.work_queue import WorkQueue
from study.folder import StudyFolder
from study.plan import Plan, Planner
from study.space import Space

log = logging.getLogger(__name__)

WORKER_DEATHS = 2  # how often a trial is started again when its worker or node died
OBJECT_STORE = 256 * 2**20  # bytes; results travel through files, Ray would take 30 % of memory
RAY_SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our store is the record
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends a launch, not only Tune's part of it
    "RAY_AIR_NEW_OUTPUT": "0",  # whose progress tables ignore verbose=0
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # silences a warning about a coming default
}

Event = Callable[[str, Work, str], None]


@dataclass
class Outcome:
    """What a launch did.

    Attributes:
        done: labels of the items that were computed.
        failures: key of each failed item to its reason.
    """

    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def launch(space: Space, planner: Planner, on_event: Event) -> Outcome:
    """Run a study, or continue it: only what the store does not hold is computed.

    Args:
        space: the checked search space.
        planner: plans its configurations.
        on_event: called with (event, work, message); events: ``start``, ``done``, ``failed``.

    Returns:
        What was computed and what failed; failed items are missing cells, the rest stands.

    Raises:
        SD4MatchError: data or weights are missing, or the preflight failed.
    """
    folder = StudyFolder.of(space)
    outcome = Outcome()

    def told(event: str, work: Work, message: str) -> None:
        if event == "done" and work.kind != "preflight":
            outcome.done.append(work.label)
        on_event(event, work, message)

    queue = WorkQueue(_plans(space, planner, folder), folder.store, told)
    if queue.start():
        with _ray(space), tempfile.TemporaryDirectory(prefix="sd4match-study-") as scratch:
            _fit(queue, space, folder, scratch=Path(scratch))
    if preflight.KEY in queue.failures:
        # Nothing ran but the preflight: that is a mistake to mend, not a study with holes.
        raise SD4MatchError(last_line(queue.failures[preflight.KEY]))
    outcome.failures = queue.failures
    folder.write_failures(queue.failures)
    return outcome


def _plans(space: Space, planner: Planner, folder: StudyFolder) -> Iterator[Plan]:
    """The plans of a design, each written to the study's folder before it runs."""
    if space.file.design == "search":
        plans = OptunaSearch(space, planner, folder.store).plans()
    else:
        plans = iter([planner.plan(space.configurations())])
    whole = Plan()
    for plan in plans:
        _check_present(plan)
        # Only now: a mistake leaves no half-made study behind.
        folder.write_space(space)
        whole.update(plan)
        folder.write_plan(whole)
        yield plan


def _check_present(plan: Plan) -> None:
    data = {cell.data for cell in plan.cells}
    data |= {data for tune in plan.tunes.values() for data in (tune.train, tune.val)}
    absent = sorted({f"{d.dataset} in {d.root}" for d in data if not d.present})
    if absent:
        raise SD4MatchError(
            f"data set missing: {', '.join(absent)}: make one with `sd4match data shapes`, "
            "or set data.root and data.evaluate"
        )


def last_line(text: str) -> str:
    """The last line of a traceback or a message: what went wrong."""
    return text.strip().splitlines()[-1]


def _resources(space: Space) -> dict[str, float]:
    wanted = space.file.resources
    gpus = wanted.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if choose_device(space.file.device).type == "cuda" else 0.0
    return {"CPU": float(wanted.cpus_per_trial), "GPU": gpus}


@contextmanager
def _ray(space: Space) -> Iterator[None]:
    """Ray, started here or joined, for the length of a launch."""
    if ray.is_initialized():
        yield
        return
    os.environ.update(RAY_SETTINGS)
    debug = log.isEnabledFor(logging.DEBUG)
    address = space.file.cluster.address
    # What fails is told by us in one line; Ray would add its own pages.
    level = logging.INFO if debug else logging.CRITICAL
    options: dict[str, Any] = {"log_to_driver": debug, "logging_level": level}
    if address == "local":
        options.update(include_dashboard=False, object_store_memory=OBJECT_STORE)
    try:
        context = ray.init(address=address, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = str(error).strip().splitlines()[0]
        raise SD4MatchError(f"cluster.address={address}: cannot reach Ray: {said}") from None
    try:
        if address == "local":
            _check_resources(space)
        yield
    finally:
        session = context.address_info["session_dir"]
        ray.shutdown()
        if address == "local" and not debug:
            shutil.rmtree(session, ignore_errors=True)  # its logs


def _check_resources(space: Space) -> None:
    """Ray waits for ever for what a machine will never have."""
    there = ray.cluster_resources()
    for name, wanted in _resources(space).items():
        if wanted > there.get(name, 0):
            raise SD4MatchError(
                f"resources.{name.lower()}s_per_trial={wanted:g}: this machine has "
                f"{there.get(name, 0):g}"
            )


def _fit(queue: WorkQueue, space: Space, folder: StudyFolder, *, scratch: Path) -> None:
    tuner = tune.Tuner(
        tune.with_resources(StageTrainable, _resources(space)),
        param_space={"store": str(folder.store.folder), "rule": asdict(space.rule)},
        tune_config=tune.TuneConfig(
            search_alg=queue,
            num_samples=-1,  # until the queue says that it is finished
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(scratch),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=WORKER_DEATHS),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    tuner.fit()
