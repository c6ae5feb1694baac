"""ASHA for tunings only: Ray's scheduler, fed with the validation PCK of their epochs."""

from collections.abc import Callable
from typing import Any

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler

from sd4match.tuning import EPOCHS
from study.cost import epochs
from study.engine.endings import Endings
from study.engine.scheduler import WorkScheduler
from study.engine.work import Work
from study.stages import Tune


class PromptAsha(WorkScheduler):
    """Stops tunings that are behind the others after as many epochs; lets all else run.

    Rungs compare one fixed setting: the epoch's own validation, nearest neighbour at the training's
    timestep and layer (METHOD.md section 1). Tunings are compared within a data set, whose PCK is
    no other's. A configuration that learns on two needs both, so with one the other stops too.

    Args:
        reduction: one in so many goes on from a rung to the next.
        endings, more: as of `WorkScheduler`.
    """

    def __init__(self, reduction: int, endings: Endings, more: Callable[[], bool]) -> None:
        super().__init__(endings, more)
        self._reduction = reduction
        self._rungs: dict[str, ASHAScheduler] = {}
        self._added: set[str] = set()
        self._lost: dict[tuple[tuple[str, Any], ...], str] = {}

    def on_trial_result(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]
    ) -> str:
        """Whether a trial goes on after an epoch."""
        work: Work = trial.config["work"]
        stage = work.stages[0]
        if not isinstance(stage, Tune) or result.get("val_pck") is None:
            return self.CONTINUE
        # A prompt that is learned to the end is paid for.
        if stage.key in self._endings.spared or result["epoch"] >= epochs(stage):
            return self.CONTINUE
        prompt = tuple(stage.settings.items())
        data = stage.train.dataset
        if self._decide(tune_controller, trial, result, data) == self.STOP:
            self._lost.setdefault(prompt, f"on {data} after epoch {result['epoch']}")
        if prompt not in self._lost:
            return self.CONTINUE
        self._endings.stopped[stage.key] = f"stopped early by ASHA {self._lost[prompt]}"
        return self.STOP

    def _decide(
        self, controller: TuneController, trial: Trial, result: dict[str, Any], data: str
    ) -> str:
        if data not in self._rungs:
            self._rungs[data] = ASHAScheduler(
                time_attr="epoch",
                metric="val_pck",
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
