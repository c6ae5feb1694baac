"""Ray Tune schedulers: run every trial, or stop weak tunings early (ASHA)."""

import logging
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.exceptions import RayActorError
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

from sd4match.tuning.recipe import EPOCHS
from study.engine.faults import Fault
from study.engine.work import Work
from study.plan.cost import epochs
from study.plan.stages import Tune
from study.space.axes import SEED

log = logging.getLogger(__name__)

MANY = 10**6  # more workers than a cluster has


class WorkScheduler(FIFOScheduler):
    """Lets every trial run, keeps workers warm, and records why a trial ended with an error.

    Ray has no settings for this; tests/study/engine/test_run.py fails if Ray changes.

    Args:
        errors: id of each trial that ended with an error to its fault and the reason; written here.
        more: whether there will be work for workers that have none now.
    """

    def __init__(self, errors: dict[str, tuple[Fault, str]], more: Callable[[], bool]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._errors = errors
        self._more = more
        self._kept = 0

    def on_trial_add(self, tune_controller: TuneController, trial: Trial) -> None:
        """Called with each trial; all take the same resources."""
        self._resources = trial.placement_group_factory

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """Called at each step."""
        controller = tune_controller._tune_controller  # type: ignore[attr-defined]
        self._keep_workers(controller)
        _forget_ended(controller)
        return super().choose_trial_to_run(tune_controller)

    def on_trial_error(self, tune_controller: TuneController, trial: Trial) -> None:
        """Called just before the searcher hears of the error."""
        error = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        log.debug("trial %s: %s", trial.trial_id, error)
        self._errors[trial.trial_id] = _cause(error)

    def _keep_workers(self, controller: TuneController) -> None:
        """Keep idle workers, which Tune itself ends when no trial waits for them."""
        keep = MANY if self._more() else 0
        if keep != self._kept:
            controller._actor_cache.increase_max(self._resources, keep - self._kept)
            self._kept = keep


def _forget_ended(controller: TuneController) -> None:
    """Remove ended trials from Tune, which keeps all their reports and walks over them each step.

    Without this the driver would grow and slow down with its study.
    """
    for ended in (controller._stopped_trials, controller._failed_trials):
        for trial in ended:
            controller._trials.remove(trial)
        controller._live_trials -= ended  # where it leaves those with an error
        ended.clear()
    controller._trials_to_cache.clear()


def _cause(error: Exception) -> tuple[Fault, str]:
    if not isinstance(error, RayActorError) or error.actor_init_failed:
        return "bug", str(error)
    text = str(error)
    if error.preempted:
        return "node", "its node was preempted"
    if "node" in text and "died" in text and "worker process has died" not in text:
        return "node", "its node was lost"
    if "running low on memory" in text:  # Ray's guesses about other deaths name memory too
        return "worker", "its worker was killed: the node ran out of memory"
    return "worker", "its worker was killed"


class PromptAsha(WorkScheduler):
    """Stops tunings that are behind others after the same number of epochs; the rest runs.

    Rungs compare all prompts at one evaluation setting, the baseline's (`study.plan.stages.Rung`):
    the validation of the training is at each tuning's own timestep and layer, where PCK is another.
    Tunings are compared within a data set, as PCK differs between data sets. A setting that learns
    on two data sets or with several seeds needs all these prompts, so if one is stopped, the others
    are stopped too.

    Args:
        reduction: one in so many goes on from a rung to the next.
        stopped: key of each tuning that was stopped to the reason, for people; written here.
        spared: keys of tune stages that must not be stopped.
        errors, more: see `WorkScheduler`.
    """

    def __init__(
        self,
        reduction: int,
        stopped: dict[str, str],
        spared: Container[str],
        *,
        errors: dict[str, tuple[Fault, str]],
        more: Callable[[], bool],
    ) -> None:
        super().__init__(errors, more)
        self._reduction = reduction
        self._stopped = stopped
        self._spared = spared
        self._rungs: dict[str, ASHAScheduler] = {}
        self._added: set[str] = set()
        self._lost: dict[tuple[tuple[str, Any], ...], str] = {}

    def on_trial_result(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]
    ) -> str:
        """Whether a trial goes on after an epoch."""
        work: Work = trial.config["work"]
        stage = work.stages[0]
        if not isinstance(stage, Tune) or result.get("rung_pck") is None:
            return self.CONTINUE
        # A prompt that is learned to the end costs nothing more.
        if stage.key in self._spared or result["epoch"] >= epochs(stage):
            return self.CONTINUE
        prompt = tuple((name, v) for name, v in stage.settings.items() if name != SEED)
        data = stage.train.dataset
        if self._decide(tune_controller, trial, result, data) == self.STOP:
            self._lost.setdefault(prompt, f"on {data} after epoch {result['epoch']}")
        if prompt not in self._lost:
            return self.CONTINUE
        self._stopped[stage.key] = f"stopped early by ASHA {self._lost[prompt]}"
        return self.STOP

    def _decide(
        self, controller: TuneController, trial: Trial, result: dict[str, Any], data: str
    ) -> str:
        if data not in self._rungs:
            self._rungs[data] = ASHAScheduler(
                time_attr="epoch",
                metric="rung_pck",
                mode="max",
                max_t=EPOCHS,
                grace_period=1,
                reduction_factor=self._reduction,
                stop_last_trials=False,  # after the last epoch the prompt is still to be saved
            )
        rungs = self._rungs[data]
        if trial.trial_id not in self._added:
            self._added.add(trial.trial_id)
            rungs.on_trial_add(controller, trial)
        return rungs.on_trial_result(controller, trial, result)
