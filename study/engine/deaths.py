"""Why trials ended with an error: told by Ray to its scheduler, read by the queue."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ray import cloudpickle
from ray.exceptions import RayActorError
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from study.engine.faults import Fault

log = logging.getLogger(__name__)

MANY = 10**6  # more workers than a cluster has


@dataclass
class Deaths:
    """Errors of one launch.

    Attributes:
        causes: id of each trial that ended with an error to its fault and the reason, for people.
    """

    causes: dict[str, tuple[Fault, str]] = field(default_factory=dict)


class Witness(FIFOScheduler):
    """Lets everything run, says of what ended with an error why it did, and keeps workers warm.

    Args:
        deaths: where it is said.
        more: whether there will be work for workers that have none now.
    """

    def __init__(self, deaths: Deaths, more: Callable[[], bool]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._deaths = deaths
        self._more = more
        self._kept = 0

    def on_trial_add(self, tune_controller: TuneController, trial: Trial) -> None:
        """Called with each trial; all take the same resources."""
        self._resources = trial.placement_group_factory

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """Called at each step: Tune itself ends workers for which no trial waits at the moment."""
        keep = MANY if self._more() else 0
        if keep != self._kept:
            # Ray has no setting for it; tests/study/test_warm_workers.py notices if this goes.
            cache = tune_controller._tune_controller._actor_cache  # type: ignore[attr-defined]
            cache.increase_max(self._resources, keep - self._kept)
            self._kept = keep
        return super().choose_trial_to_run(tune_controller)

    def on_trial_error(self, tune_controller: TuneController, trial: Trial) -> None:
        """Called just before the searcher hears of the error."""
        error = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        log.debug("trial %s: %s", trial.trial_id, error)
        self._deaths.causes[trial.trial_id] = _cause(error)


def _cause(error: Exception) -> tuple[Fault, str]:
    if not isinstance(error, RayActorError) or error.actor_init_failed:
        return "bug", str(error)
    said = str(error)
    if error.preempted:
        return "node", "its node was preempted"
    if "node" in said and "died" in said and "worker process has died" not in said:
        return "node", "its node was lost"
    if "memory" in said:
        return "worker", "its worker was killed: the node ran out of memory"
    return "worker", "its worker was killed"
