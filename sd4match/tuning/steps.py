"""Steps of a tuning: loss, micro-batches, loss scaling, gradient checkpointing."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.optimization import get_scheduler
from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.extractor import extract
from sd4match.features.latents import Latents
from sd4match.losses import gaussian_cross_entropy
from sd4match.matching.keypoints import to_square
from sd4match.prediction.features import fuse, hidden_states
from sd4match.prompts.base import Prompt
from sd4match.tuning.recipe import TuningSettings

log = logging.getLogger(__name__)

LEAST_SCALE = 1.0
"""At this scale the loss is not scaled up: a smaller one would not avoid an overflow."""


class PromptOptimizer:
    """Adam on a prompt, batch by batch (docs/explanation/method.md section 1, "Training recipe").

    The prompt is float32; the frozen models compute in the backbone's dtype. In float16 small
    gradients would vanish, so the loss is scaled up as long as the gradients do not overflow: a
    step in which they overflow changes only the scale.

    A parameter that had a gradient once has one of zero where it plays no part in a batch, as in
    the original code: the tokens of an absent category go on moving by Adam's momentum. The
    learning rate is a function of the step's number.

    Args:
        backbone: the frozen models.
        prompt: the prompt to learn, changed in place.
        settings: the settings of the tuning.
        total_steps: number of steps in all, for the schedule of the learning rate.
        latents, contents: as for ``step_loss``.

    Attributes:
        overflows: number of steps that did not change the prompt.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompt: Prompt,
        settings: TuningSettings,
        *,
        total_steps: int,
        latents: Latents,
        contents: Contents,
    ) -> None:
        self.overflows = 0
        self._backbone = backbone
        self._prompt = prompt
        self._settings = settings
        self._latents = latents
        self._contents = contents
        rate = settings.learning_rate
        self._adam = torch.optim.Adam(prompt.parameter_groups(rate), lr=rate)
        self._schedule = get_scheduler(
            settings.schedule,
            self._adam,
            step_rules=settings.step_rules,
            num_warmup_steps=settings.warmup_steps,
            num_training_steps=total_steps,
        )
        self._scaler = torch.amp.GradScaler(
            backbone.device.type, enabled=backbone.dtype == torch.float16
        )

    def step(self, pairs: Sequence[ImagePair], number: int) -> float:
        """Learn from a batch.

        Args:
            pairs: the batch; each has at least one keypoint.
            number: number of the step, from 0: it decides the noise.

        Returns:
            The loss before the step: its mean over the pairs.

        Raises:
            SD4MatchError: the loss or its gradient is not finite; the prompt is unchanged.
        """
        self._adam.zero_grad()
        loss = self._backward(pairs, number)
        self._let_momentum_move()
        self._set_learning_rate(number)
        if not math.isfinite(loss):
            raise self._not_finite(f"loss {loss}", number)
        scale = self._scaler.get_scale()  # 1 if nothing is scaled
        self._scaler.unscale_(self._adam)
        if not self._finite():
            if scale <= LEAST_SCALE:
                raise self._not_finite("the gradient", number)
            self.overflows += 1
            log.info("step %d: gradients overflow at loss scale %g", number + 1, scale)
        self._scaler.step(self._adam)
        self._scaler.update()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the state for resuming: tensors, numbers, lists and dicts only."""
        return {
            "adam": self._adam.state_dict(),
            "scaler": self._scaler.state_dict(),
            "overflows": self.overflows,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from ``state_dict``, on a backbone of the same dtype."""
        self._adam.load_state_dict(state["adam"])
        self._scaler.load_state_dict(state["scaler"])
        self.overflows = state["overflows"]

    def _backward(self, pairs: Sequence[ImagePair], number: int) -> float:
        """Sum the gradients of micro-batches, each weighted by its share of the pairs."""
        size = self._settings.micro_batch or len(pairs)
        total = 0.0
        with _checkpointing(self._backbone.unet, self._settings.checkpointing):
            for start in range(0, len(pairs), size):
                part = pairs[start : start + size]
                loss = step_loss(
                    self._backbone,
                    self._prompt,
                    part,
                    self._settings,
                    latents=self._latents,
                    contents=self._contents,
                    step=number,
                ) * (len(part) / len(pairs))
                self._scaler.scale(loss).backward()
                total += loss.item()
        return total

    def _let_momentum_move(self) -> None:
        # By Adam's state, not by gradients left from earlier steps: a resumed tuning has none.
        for parameter in self._adam.state:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def _set_learning_rate(self, number: int) -> None:
        rates = self._schedule.base_lrs, self._schedule.lr_lambdas
        for group, rate, factor in zip(self._adam.param_groups, *rates, strict=True):
            group["lr"] = rate * factor(number)

    def _finite(self) -> bool:
        gradients = [p.grad for p in self._prompt.parameters() if p.grad is not None]
        return all(bool(gradient.isfinite().all()) for gradient in gradients)

    def _not_finite(self, what: str, number: int) -> SD4MatchError:
        half = self._backbone.dtype == torch.float16
        advice = "dtype bfloat16 or float32, or " if half else ""
        return SD4MatchError(
            f"{what} is not finite in step {number + 1}: use {advice}a lower learning rate"
        )


@contextmanager
def _checkpointing(unet: UNet2DConditionModel, wanted: bool) -> Iterator[None]:
    """Recompute the UNet's activations in backward passes of this block.

    Truncated UNets share its blocks, and others share the UNet: its state is restored. The text
    encoder has so few activations (77 tokens) that they are kept.
    """
    if not wanted:
        yield
        return
    unet.enable_gradient_checkpointing()
    try:
        yield
    finally:
        unet.disable_gradient_checkpointing()


def step_loss(
    backbone: Backbone,
    prompt: Prompt,
    pairs: Sequence[ImagePair],
    settings: TuningSettings,
    *,
    latents: Latents,
    contents: Contents,
    step: int,
) -> Tensor:
    """Compute the loss of a batch; sources and targets go through the UNet in one pass.

    Args:
        backbone: the frozen models.
        prompt: the prompt to learn.
        pairs: B pairs, each with at least one keypoint.
        settings: the settings of the tuning.
        latents: latents for the image size of the training.
        contents: image contents, for prompts that read images and for fusion.
        step: number of the step: each draws its own noise.

    Returns:
        The mean over the pairs, with gradients to the prompt's parameters.
    """
    images: list[tuple[ImagePair, Side]] = [
        *((pair, "source") for pair in pairs),
        *((pair, "target") for pair in pairs),
    ]
    clean = torch.stack([latents.sample(*image, settings.seed) for image in images])
    maps = extract(
        backbone,
        clean,
        hidden_states(backbone, prompt, images, contents),
        timestep=settings.timestep,
        layers=[settings.layer],
        # The name differs from the numbers of prediction's draws.
        noise=[[latents.noise(*image, settings.seed, f"step {step}")] for image in images],
        chunk=len(images),
    )[settings.layer]
    side = latents.image_size
    if settings.fusion:  # gradients flow through the UNet's part only
        hw = maps.shape[2], maps.shape[3]
        dino = (contents.dense(*image, image_size=side, hw=hw) for image in images)
        maps = torch.stack([fuse(own, other) for own, other in zip(maps, dino, strict=True)])
    counts = [len(pair.source_keypoints) for pair in pairs]
    keypoints = torch.zeros(len(images), max(counts), 2)
    for i, (pair, which) in enumerate(images):
        points = pair.source_keypoints if which == "source" else pair.target_keypoints
        size = pair.source_size if which == "source" else pair.target_size
        keypoints[i, : len(points)] = torch.from_numpy(to_square(points, size, side))
    source_map, target_map = maps.split(len(pairs))
    source_keypoints, target_keypoints = keypoints.split(len(pairs))
    return gaussian_cross_entropy(
        source_map,
        target_map,
        source_keypoints,
        target_keypoints,
        torch.tensor(counts),
        source_hw=(side, side),
        target_hw=(side, side),
        temperature=settings.temperature,
        kernel_size=settings.kernel_size,
        l2_normalize=settings.l2_normalize and not settings.fusion,
    )
