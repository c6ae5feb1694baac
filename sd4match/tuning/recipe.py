"""The settings of a tuning. Does not load torch, so that commands can show them."""

import math
import re
from dataclasses import dataclass

from sd4match.errors import SD4MatchError, require_known

EPOCHS = 8
"""The number of epochs, at most, of a tuning whose length is given in steps."""

SCHEDULES = ("constant", "linear", "cosine", "constant_with_warmup", "piecewise_constant")
"""Learning-rate schedules, by their names in diffusers' ``get_scheduler``."""


def paper_steps(dataset: str) -> int:
    """Return the optimizer steps of the paper on a training data set.

    docs/explanation/method.md section 1, "Training recipe".

    Args:
        dataset: a name in ``datasets.benchmarks.NAMES``.

    Returns:
        The number of steps of one process.

    Raises:
        SD4MatchError: the paper did not train on it.
    """
    from sd4match.datasets.benchmarks import BENCHMARKS  # loads NumPy; help texts need none

    steps = BENCHMARKS[dataset].paper_steps
    if steps is None:
        raise SD4MatchError(f"the paper did not train on {dataset}: give the number of steps")
    return steps


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """How a prompt is learned; the defaults are the paper's (docs/explanation/method.md section 1).

    Attributes:
        epochs: passes over the training pairs; give this or ``steps``.
        steps: optimizer steps; an epoch is then an eighth of them, rounded up.
        batch_size: pairs per step.
        learning_rate: learning rate of Adam at a factor of 1 of the schedule.
        schedule: factor of the learning rates by step, one of `SCHEDULES`: 1 (``constant``), a
            fall to 0 in a line (``linear``) or half a cosine (``cosine``), 1 after a warm-up
            (``constant_with_warmup``), or by rules (``piecewise_constant``).
        warmup_steps: steps of a rise from 0, before ``linear``, ``cosine`` and
            ``constant_with_warmup``.
        step_rules: rules of ``piecewise_constant``, such as ``1:10000,0.1``: factor 1 before step
            10,000, then 0.1.
        timestep, layer: noise level and up block of training and validation, with one noise draw.
        kernel_size, temperature: settings of the loss.
        fusion: learn and validate on the UNet's features joined with DINO's
            (docs/explanation/method.md section 3).
        l2_normalize: correlate by cosine similarity, not by dot product; fused features are
            normalized already.
        image_size: side of the square the model sees, pixels; None for the backbone's own.
        seed: seed of the data order, the noise and the latent samples.
        micro_batch: pairs that go through the models at once, for less memory; None for the full
            batch. Loss and gradient equal those of the batch up to rounding.
        checkpointing: recompute the UNet's activations in the backward pass: less memory, a third
            more time, the same gradients.

    Raises:
        SD4MatchError: not exactly one of epochs and steps, a number out of range, or settings that
            do not belong together.
    """

    epochs: int | None = None
    steps: int | None = None
    batch_size: int = 3
    learning_rate: float = 0.01
    schedule: str = "constant"
    warmup_steps: int = 0
    step_rules: str | None = None
    timestep: int = 261
    layer: int = 1
    kernel_size: int = 7
    temperature: float = 0.04
    fusion: bool = False
    l2_normalize: bool = True
    image_size: int | None = None
    seed: int = 0
    micro_batch: int | None = None
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise SD4MatchError(
                f"tuning has epochs {self.epochs} and steps {self.steps}: give exactly one"
            )
        for name in ("epochs", "steps", "batch_size", "learning_rate", "micro_batch"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise SD4MatchError(f"tuning {name} is {value}: it must be above 0")
            if name != "learning_rate" and value is not None and value != int(value):
                raise SD4MatchError(f"tuning {name} is {value}: it must be a whole number")
        if self.kernel_size < 3 or self.kernel_size % 2 == 0:
            raise SD4MatchError(
                f"tuning kernel_size is {self.kernel_size}: it must be odd, and at least 3"
            )
        if self.seed < 0:
            raise SD4MatchError(f"tuning seed is {self.seed}: it must be 0 or more")
        if self.fusion and not self.l2_normalize:
            raise SD4MatchError(
                "l2_normalize does not apply to fused features, which are normalized already: "
                "leave it out"
            )
        check_schedule(
            self.schedule,
            warmup_steps=self.warmup_steps,
            step_rules=self.step_rules,
            steps=self.steps,
        )


def check_schedule(
    schedule: str, *, warmup_steps: int, step_rules: str | None, steps: int | None
) -> None:
    """Refuse a learning-rate schedule that is impossible.

    Args:
        schedule, warmup_steps, step_rules: as of `TuningSettings`.
        steps: how many the tuning has; None where they are not known yet.

    Raises:
        SD4MatchError: an unknown schedule, or settings that do not belong to it.
    """
    require_known(schedule, SCHEDULES, what="schedule")
    if warmup_steps != int(warmup_steps) or warmup_steps < 0:
        raise SD4MatchError(f"warmup_steps is {warmup_steps}: it must be a whole number from 0")
    if warmup_steps and schedule in ("constant", "piecewise_constant"):
        raise SD4MatchError(
            f"warmup_steps is {warmup_steps}, but schedule {schedule} has no warm-up: take "
            "constant_with_warmup, linear or cosine"
        )
    if schedule == "constant_with_warmup" and not warmup_steps:
        raise SD4MatchError("schedule constant_with_warmup needs warmup_steps above 0")
    if steps is not None and warmup_steps >= steps:
        raise SD4MatchError(f"warmup_steps is {warmup_steps}: it must be below the {steps} steps")
    if (schedule == "piecewise_constant") != (step_rules is not None):
        raise SD4MatchError(
            f"schedule {schedule} with step_rules {step_rules}: schedule piecewise_constant needs "
            "them, no other takes them"
        )
    if step_rules is not None and not _possible(step_rules):
        raise SD4MatchError(
            f"step_rules is {step_rules!r}: expected factors with the steps at which they end, in "
            "ascending order, and a last factor, such as 1:10000,0.1"
        )
    if steps is not None and step_rules is not None and (last := _ends(step_rules)[-1]) >= steps:
        raise SD4MatchError(
            f"step_rules is {step_rules!r}: its last end, {last}, must be below the {steps} steps"
        )


def _possible(step_rules: str) -> bool:
    number = r"\d+(?:\.\d+)?"
    if not re.fullmatch(rf"(?:{number}:\d+,)+{number}", step_rules, re.ASCII):
        return False
    ends = _ends(step_rules)
    return ends == sorted(set(ends)) and ends[0] > 0


def _ends(step_rules: str) -> list[int]:
    return [int(end) for end in re.findall(r":(\d+)", step_rules)]


MEMORY_SETTINGS = ("micro_batch", "checkpointing")
"""Settings that change how a step is computed but not its result: they may change on resuming."""

SCHEDULE_SETTINGS = ("schedule", "warmup_steps", "step_rules")
"""Settings of the learning-rate schedule."""

NEWER_SETTINGS = {
    name: getattr(TuningSettings, name) for name in (*SCHEDULE_SETTINGS, "fusion", "l2_normalize")
}
"""Settings that were added later, with the values that change nothing: left out of keys."""
