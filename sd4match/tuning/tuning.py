"""Learning a prompt, epoch by epoch, with validation."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from sd4match.backbones.devices import device_kind
from sd4match.backbones.loading import Backbone
from sd4match.datasets.pair_set import PairSet
from sd4match.errors import SD4MatchError
from sd4match.features.contents import VERSION as CONTENTS_VERSION, Contents
from sd4match.features.latents import Latents
from sd4match.matching.readout import Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.scoring import aggregate, correct
from sd4match.prediction.predictor import latents_for, predict
from sd4match.prompts.base import Prompt
from sd4match.prompts.families import require_made_for
from sd4match.tuning.recipe import (
    EPOCHS,
    MEMORY_SETTINGS,
    NEWER_SETTINGS,
    TuningSettings,
    check_schedule,
)
from sd4match.tuning.steps import PromptOptimizer

_HASHED = {
    "backbone": "it had another backbone",
    "image_encoder": "it had another image encoder",
    "contents": "its image encoder's outputs were computed by another version of sd4match",
    "train": "it had other training pairs or images",
    "val": "it had other validation pairs or images",
    "momentum": "an earlier version learned it, without momentum of absent categories",
}
"""Messages for settings whose values are hashes, which people cannot read."""


class Tuning:
    """A tuning in progress: learns a prompt one epoch at a time.

    Data order, noise and latent samples are functions of the seed and the step, so a tuning that is
    resumed from a ``state_dict`` equals an uninterrupted one bit for bit, with the same libraries,
    number of threads and micro-batches on a device of the same kind. On CUDA they may differ in the
    last digits, because torch's fused attention adds gradients in no fixed order.

    Args:
        backbone: the frozen models.
        prompt: a prompt of a learned family, trained in place.
        train: pairs to learn from; those without keypoints are not used.
        val: pairs that choose the best epoch; None to keep the last one.
        settings: the settings of the tuning.
        latents: cache of VAE moments, to share; default: a new one.
        contents: cache of image contents, to share; default: a new one.

    Attributes:
        epoch, step: number of epochs and steps done.
        total_steps: number of steps in all.
        losses: the loss of every step done.
        devices: the kinds of devices that it ran on (`sd4match.backbones.devices.device_kind`).
        curves: one row per epoch: epoch, step, loss (mean over its steps), val_pck (PCK@0.1 of
            nearest neighbor, mean over pairs; None without validation pairs), overflows (steps so
            far whose gradients overflowed float16) and micro_batch (which may change on resuming).

    Raises:
        SD4MatchError: a prompt with nothing to learn, no keypoints, or settings that the backbone
            does not have.

    Example:
        >>> tuning = Tuning(
        ...     backbone, prompt, train, val, TuningSettings(epochs=5)
        ... )  # doctest: +SKIP
        >>> while not tuning.finished:  # doctest: +SKIP
        ...     row = tuning.run_epoch()
        >>> prompts.save(tuning.best_prompt(), "prompt.safetensors")  # doctest: +SKIP
    """

    def __init__(
        self,
        backbone: Backbone,
        prompt: Prompt,
        train: PairSet,
        val: PairSet | None,
        settings: TuningSettings,
        *,
        latents: Latents | None = None,
        contents: Contents | None = None,
    ) -> None:
        if not prompt.learned:
            raise SD4MatchError(f"prompt family {prompt.family!r} has nothing to learn: predict")
        require_made_for(prompt, backbone)
        backbone.architecture.check(layers=(settings.layer,), timestep=settings.timestep)
        self.backbone = backbone
        self.prompt = prompt.to(backbone.device)
        self.train = train
        self.val = val
        self.settings = settings
        self.latents = latents_for(backbone, settings.image_size, latents)
        self.contents = contents or Contents(backbone)
        self.epoch = 0
        self.step = 0
        self.losses: list[float] = []
        self.devices = [device_kind(backbone.device)]
        self.curves: list[dict[str, Any]] = []
        self._best = copy.deepcopy(prompt.state_dict())
        self._usable = [i for i, pair in enumerate(train) if len(pair.source_keypoints)]
        if not self._usable:
            raise SD4MatchError(f"no keypoint in {train}: there is nothing to learn from")
        self._truth = None if val is None else GroundTruth.of(val)
        if self._truth and not len(self._truth.pair):
            raise SD4MatchError(f"no keypoint in {val}: validate on other pairs, or on none")
        self._pass_steps = math.ceil(len(self._usable) / settings.batch_size)
        if settings.steps:
            self.total_steps, self._epoch_steps = settings.steps, math.ceil(settings.steps / EPOCHS)
        else:
            self.total_steps = (settings.epochs or 0) * self._pass_steps
            self._epoch_steps = self._pass_steps
        check_schedule(
            settings.schedule,
            warmup_steps=settings.warmup_steps,
            step_rules=settings.step_rules,
            steps=self.total_steps,
        )
        self._optimizer = PromptOptimizer(
            backbone,
            self.prompt,
            settings,
            total_steps=self.total_steps,
            latents=self.latents,
            contents=self.contents,
        )

    @property
    def finished(self) -> bool:
        """Whether every epoch is done and validated."""
        return self.epoch * self._epoch_steps >= self.total_steps

    def run_epoch(
        self,
        *,
        on_step: Callable[[int, float], None] | None = None,
        on_pair: Callable[[int, int], None] | None = None,
    ) -> dict[str, Any]:
        """Train to the end of the current epoch, then validate.

        After an interruption, a second call (or one after ``load_state_dict``) finishes the epoch.

        Args:
            on_step: called after each step with the number of steps done and the step's loss. It
                may raise: the tuning is then between two steps, and ``state_dict`` can be called.
            on_pair: called after each validation pair, with the pairs done and in all; may raise.

        Returns:
            The epoch's row of ``curves``.

        Raises:
            SD4MatchError: the loss is not finite; the prompt is unchanged by that step.
        """
        end = min(self.total_steps, (self.epoch + 1) * self._epoch_steps)
        while self.step < end:
            loss = self._train_step()
            self.losses.append(loss)
            self.step += 1
            if on_step:
                on_step(self.step, loss)
        score = self._validate(on_pair)
        # Strictly better: of equal epochs the first is kept.
        if score is None or all(score > row["val_pck"] for row in self.curves):
            self._best = copy.deepcopy(self.prompt.state_dict())
        own = self.losses[self.epoch * self._epoch_steps :]
        self.epoch += 1
        row = {
            "epoch": self.epoch,
            "step": self.step,
            "loss": sum(own) / len(own),
            "val_pck": score,
            "overflows": self._optimizer.overflows,
            "micro_batch": self.settings.micro_batch,
        }
        self.curves.append(row)
        return dict(row)

    def best_prompt(self) -> Prompt:
        """Return the prompt after its best epoch so far: the first with the highest val_pck."""
        best = copy.deepcopy(self.prompt)
        best.load_state_dict(self._best)
        return best

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a later process needs to resume, between any two steps.

        Returns:
            A copy, of tensors, numbers, strings, lists and dicts only: for ``torch.save``, and for
            ``torch.load`` with ``weights_only=True``.
        """
        return copy.deepcopy(
            {
                "run": self._run(),
                "epoch": self.epoch,
                "step": self.step,
                "curves": self.curves,
                "losses": self.losses,
                "devices": self.devices,
                "prompt": self.prompt.state_dict(),
                "best": self._best,
                "optimizer": self._optimizer.state_dict(),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a ``state_dict``.

        Args:
            state: state of a tuning with the same backbone, data and settings; only
                ``micro_batch`` and ``checkpointing`` may differ.

        Raises:
            SD4MatchError: the state is of another tuning.
        """
        run = self._run()
        for name in run | state["run"]:
            was, now = (s.get(name, NEWER_SETTINGS.get(name)) for s in (state["run"], run))
            if was != now:
                difference = _HASHED.get(name, f"{name} was {was}, now {now}")
                raise SD4MatchError(
                    f"the checkpoint is of another tuning: {difference}: remove it, or tune "
                    "as before"
                )
        state = copy.deepcopy(dict(state))
        self.epoch, self.step = state["epoch"], state["step"]
        self.curves, self.losses, self._best = state["curves"], state["losses"], state["best"]
        self.devices = list(dict.fromkeys([*state.get("devices", ()), *self.devices]))
        self.prompt.load_state_dict(state["prompt"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _run(self) -> dict[str, Any]:
        """The settings in which a state must agree."""
        settings = asdict(self.settings)
        for name in MEMORY_SETTINGS:
            del settings[name]
        for name, unchanged in NEWER_SETTINGS.items():
            if settings[name] == unchanged:
                del settings[name]
        reads = self.prompt.reads
        return {
            "backbone": self.backbone.fingerprint,
            "image_encoder": reads and self.backbone.image_encoder(reads.encoder).fingerprint,
            "contents": reads and CONTENTS_VERSION,
            "dtype": str(self.backbone.dtype).removeprefix("torch."),
            "prompt": self.prompt.family,
            **self.prompt.config(),
            "train": self.train.fingerprint,
            "val": None if self.val is None else self.val.fingerprint,
            **settings,
            "image_size": self.latents.image_size,
            **({"momentum": True} if self.prompt.depends_on == "category" else {}),
        }

    def _validate(self, on_pair: Callable[[int, int], None] | None) -> float | None:
        if self.val is None or self._truth is None:
            return None
        readout = Readout("nearest", l2_normalize=self.settings.l2_normalize)
        predicted = predict(
            self.backbone,
            self.prompt,
            self.val,
            timestep=self.settings.timestep,
            ensemble=1,
            settings=[(self.settings.layer, readout)],
            fusion=self.settings.fusion,
            seed=self.settings.seed,
            latents=self.latents,
            contents=self.contents,
            progress=on_pair,
        )[0]
        side = self.latents.image_size
        found = correct(self._truth, predicted, alpha=0.1, image_size=side)
        return float(aggregate(self._truth, found, mean="image"))

    def _train_step(self) -> float:
        return self._optimizer.step([self.train[i] for i in self._batch()], self.step)

    def _batch(self) -> list[int]:
        """Indices in ``train`` of this step's pairs: a function of the seed and the step."""
        number, step = divmod(self.step, self._pass_steps)
        order = np.random.default_rng([self.settings.seed, number]).permutation(self._usable)
        start = step * self.settings.batch_size
        return [int(i) for i in order[start : start + self.settings.batch_size]]
