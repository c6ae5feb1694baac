"""The recipe of a tuning, and the loss of one of its steps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sd4match.backbones import Backbone
from sd4match.conditioning import hidden_states
from sd4match.datasets import ImagePair, content_hash
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.extractor import extract
from sd4match.features.latents import Latents, Side
from sd4match.features.noise import gaussian
from sd4match.keypoints import to_square
from sd4match.losses import gaussian_cross_entropy
from sd4match.prompts import Prompt


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """How a prompt is learned; the defaults are the paper's (METHOD.md section 1).

    Attributes:
        epochs: passes over the training pairs; give this or ``steps``.
        steps: optimiser steps; an epoch is then an eighth of them, rounded up.
        batch_size: pairs a step.
        learning_rate: of Adam, constant.
        timestep, layer: where features are trained, and validated, with one noise draw.
        kernel_size, temperature: of the loss.
        image_size: side of the square the model sees, pixels; None is the backbone's own.
        seed: of the data order, the noise and the latent samples.

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

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise SD4MatchError(
                f"tuning has epochs {self.epochs} and steps {self.steps}: give exactly one"
            )
        for name in ("epochs", "steps", "batch_size", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise SD4MatchError(f"tuning {name} is {value}: it must be above 0")
            if name != "learning_rate" and value is not None and value != int(value):
                raise SD4MatchError(f"tuning {name} is {value}: it must be a whole number")
        if self.seed < 0:
            raise SD4MatchError(f"tuning seed is {self.seed}: it must be 0 or more")


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
    """Compute the loss of a batch, whose sources and targets go through the UNet as one.

    Args:
        backbone: the frozen models.
        prompt: what learns.
        pairs: B pairs, each with a keypoint at least.
        settings: the recipe.
        latents: of images of the size that is trained at.
        contents: where prompts that read images look.
        step: which step it is: each draws its own noise.

    Returns:
        The mean over the pairs, with gradients to the prompt's parameters.
    """
    images: list[tuple[ImagePair, Side]] = [
        *((pair, "source") for pair in pairs),
        *((pair, "target") for pair in pairs),
    ]
    clean = torch.stack([latents.sample(*image, settings.seed) for image in images])
    noise = torch.stack([_noise(*image, clean.shape[1:], settings.seed, step) for image in images])
    maps = extract(
        backbone,
        clean,
        hidden_states(backbone, prompt, images, contents),
        timestep=settings.timestep,
        layers=[settings.layer],
        noise=noise[:, None],
        chunk=len(images),
    )[settings.layer]
    side = latents.image_size
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
    )


def _noise(pair: ImagePair, side: Side, shape: torch.Size, seed: int, step: int) -> Tensor:
    content = content_hash(pair.source_path if side == "source" else pair.target_path)
    # The name keeps it apart from the numbered draws of prediction.
    return gaussian(shape, seed=seed, content=content, flip=pair.flip, draw=f"step {step}")
