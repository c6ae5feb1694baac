"""The training loop of a stage, which can be stopped anywhere and resumed with equal weights."""

import json
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.testbed.nano.training.input_hash import identity
from sd4match.testbed.nano.training.settings import Schedule

LOG_EVERY = 50
_AVERAGE = 0.999
_WARMUP = 200


class Stage(ABC):
    """A stage: its models, and the loss of each of its steps.

    Args:
        name: name of its files.
        models: the models to train.
        schedule: the length of the stage.
        seed: seed of everything random in a step.
        learns_from: the identity of its data.
    """

    def __init__(
        self, name: str, models: nn.ModuleDict, schedule: Schedule, *, seed: int, learns_from: str
    ) -> None:
        self.name, self.models, self.schedule = name, models, schedule
        self.seed, self.learns_from = seed, learns_from

    @abstractmethod
    def losses(self, step: int) -> dict[str, Tensor]:
        """Compute the terms of a step's loss by name; their sum is minimized.

        Everything random depends on the seed and ``step``, so that a run can resume anywhere.
        """


class Training:
    """The training of a stage; it starts from its last checkpoint if there is one.

    The checkpoint's name holds the identity of everything that decides the result: the initial
    weights of the stage, its data, its schedule and its seed.

    Args:
        stage: the stage to train.
        folder: folder of its checkpoint and of the log, ``log.jsonl``.
        device: the models' device.

    Attributes:
        step: number of steps done.
        path: path of the checkpoint.

    Raises:
        SD4MatchError: the checkpoint is damaged.
    """

    def __init__(self, stage: Stage, folder: Path, device: torch.device) -> None:
        weights = stage.models.state_dict()
        made_from = identity(weights, asdict(stage.schedule), stage.seed, stage.learns_from)
        self.step, self.path = 0, folder / f"{stage.name}-{made_from}.pt"
        self._stage, self._log = stage, folder / "log.jsonl"
        self._optimizer = torch.optim.AdamW(
            stage.models.parameters(), lr=stage.schedule.learning_rate, weight_decay=0.01
        )
        self._averaged = {name: value.detach().clone() for name, value in weights.items()}
        if self.path.is_file():
            self._resume(device)
        _forget(self._log, stage.name, self.step)

    def run(self, progress: Callable[[int, str], None]) -> None:
        """Train to the end; the models then hold the running average of their weights.

        Args:
            progress: called regularly with the step and a line on the losses.

        Raises:
            SD4MatchError: the loss is not finite.
        """
        models, schedule = self._stage.models, self._stage.schedule
        sums: dict[str, float] = defaultdict(float)
        began, since = self.step, time.monotonic()
        models.requires_grad_(True).train()
        while self.step < schedule.steps:
            for name, value in self._one_step().items():
                sums[name] += value
            if self.step % LOG_EVERY == 0 or self.step == schedule.steps:
                counted = self.step - began
                means = {name: round(total / counted, 5) for name, total in sums.items()}
                self._note(means, time.monotonic() - since)
                progress(self.step, " ".join(f"{name} {mean:.3f}" for name, mean in means.items()))
                sums.clear()
                began, since = self.step, time.monotonic()
            if self.step % schedule.checkpoint_every == 0 or self.step == schedule.steps:
                self._save()
        models.load_state_dict(self._averaged)
        models.requires_grad_(False).eval()

    def _one_step(self) -> dict[str, float]:
        models, schedule = self._stage.models, self._stage.schedule
        for group in self._optimizer.param_groups:
            group["lr"] = schedule.learning_rate * _rate(self.step, schedule.steps)
        terms = self._stage.losses(self.step)
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            raise SD4MatchError(
                f"{self._stage.name}: the loss is {loss.item()} at step {self.step}: "
                "lower its learning_rate"
            )
        loss.backward()
        nn.utils.clip_grad_norm_(models.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        # Short at first, so that the average forgets the random weights.
        _average(self._averaged, models, min(_AVERAGE, self.step / (self.step + 10)))
        return {name: term.item() for name, term in terms.items()}

    def _note(self, means: dict[str, float], seconds: float) -> None:
        row = {"stage": self._stage.name, "step": self.step, **means, "seconds": round(seconds, 1)}
        with self._log.open("a") as stream:
            stream.write(json.dumps(row) + "\n")

    def _save(self) -> None:
        with atomic_path(self.path) as temporary:
            state = {
                "step": self.step,
                "models": self._stage.models.state_dict(),
                "averaged": self._averaged,
                "optimizer": self._optimizer.state_dict(),
            }
            torch.save(state, temporary)

    def _resume(self, device: torch.device) -> None:
        try:
            state = torch.load(self.path, weights_only=True, map_location=device)
        except Exception as error:  # torch raises errors of many kinds on damaged files
            raise SD4MatchError(
                f"{self.path}: damaged ({type(error).__name__}): remove it to train the stage again"
            ) from error
        self._stage.models.load_state_dict(state["models"])
        self._averaged.update(state["averaged"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])


def mixed(device: torch.device) -> torch.autocast:
    """Compute in bfloat16 where that is accurate enough; not on CPUs, which emulate it slowly."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type != "cpu")


def _forget(log: Path, stage: str, step: int) -> None:
    """Remove the log's rows of steps that will be repeated."""
    if not log.is_file():
        return
    rows = [line for line in log.read_text().splitlines() if line]
    kept = [
        row for row in rows if (entry := json.loads(row))["stage"] != stage or entry["step"] <= step
    ]
    with atomic_path(log) as temporary:
        temporary.write_text("".join(f"{row}\n" for row in kept))


def _rate(step: int, steps: int) -> float:
    """Warm up, then a half cosine down to a twentieth."""
    warm = min(_WARMUP, max(steps // 10, 1))
    if step < warm:
        return (step + 1) / warm
    done = torch.tensor((step - warm) / max(steps - warm, 1))
    return 0.05 + 0.95 * float(0.5 * (1 + torch.cos(torch.pi * done)))


@torch.no_grad()
def _average(averaged: dict[str, Tensor], models: nn.ModuleDict, keep: float) -> None:
    for name, value in models.state_dict().items():
        if value.is_floating_point():
            averaged[name].lerp_(value, 1 - keep)
        else:
            averaged[name].copy_(value)
