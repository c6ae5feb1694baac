"""Why trials ended with an error: told by Ray to its scheduler, read by the queue."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from ray import cloudpickle
from ray.exceptions import RayActorError
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from study.engine.faults import Fault

log = logging.getLogger(__name__)


@dataclass
class Deaths:
    """Errors of one launch.

    Attributes:
        causes: id of each trial that ended with an error to its fault and the reason, for people.
    """

    causes: dict[str, tuple[Fault, str]] = field(default_factory=dict)


class Witness(FIFOScheduler):
    """Lets everything run, and says of what ended with an error why it did.

    Args:
        deaths: where it is said.
    """

    def __init__(self, deaths: Deaths) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._deaths = deaths

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
