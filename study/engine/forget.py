"""Trials that have ended: Ray Tune keeps all that each of them ever reported, we nothing."""

from typing import Any

from ray import tune
from ray.tune.experiment import Trial


class Forget(tune.Callback):
    """Lets go of what ended trials reported, so that the driver does not grow with a study."""

    def __init__(self) -> None:
        self._ended: list[Trial] = []

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Called by Ray Tune, which has still to add the last report."""
        self._ended.append(trial)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Called by Ray Tune after each of its steps."""
        for trial in self._ended:
            trial.run_metadata.metric_analysis = {}
            trial.run_metadata.metric_n_steps = {}
            trial.run_metadata.last_result = {}
            trial.config, trial.evaluated_params = {}, {}  # the work item
            # All take the same resources; each has a copy, with the signature of its constructor.
            trial.placement_group_factory = trials[0].placement_group_factory
        self._ended.clear()
