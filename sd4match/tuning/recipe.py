"""The settings of a tuning. Does not load torch, so that commands can show them."""

import math
from dataclasses import dataclass

from sd4match.errors import SD4MatchError

EPOCHS = 8
"""The number of epochs, at most, of a tuning whose length is given in steps."""


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """How a prompt is learned; the defaults are the paper's (docs/explanation/method.md section 1).

    Attributes:
        epochs: passes over the training pairs; give this or ``steps``.
        steps: optimizer steps; an epoch is then an eighth of them, rounded up.
        batch_size: pairs per step.
        learning_rate: learning rate of Adam, constant.
        timestep, layer: noise level and up block of training and validation, with one noise draw.
        kernel_size, temperature: settings of the loss.
        image_size: side of the square the model sees, pixels; None for the backbone's own.
        seed: seed of the data order, the noise and the latent samples.
        micro_batch: pairs that go through the models at once, for less memory; None for the full
            batch. Loss and gradient equal those of the batch up to rounding.
        checkpointing: recompute the UNet's activations in the backward pass: less memory, a third
            more time, the same gradients.

    Raises:
        SD4MatchError: not exactly one of epochs and steps, or a number out of range.
    """

    epochs: int | None = None
    steps: int | None = None
    batch_size: int = 3
    learning_rate: float = 0.01
    timestep: int = 261
    layer: int = 1
    kernel_size: int = 7
    temperature: float = 0.04
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


MEMORY_SETTINGS = ("micro_batch", "checkpointing")
"""Settings that change how a step is computed but not its result: they may change on resuming."""
