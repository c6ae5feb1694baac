"""The loss of a step of a tuning."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sd4match.backbones import Backbone
from sd4match.conditioning import hidden_states
from sd4match.datasets import ImagePair, Side
from sd4match.features.contents import Contents
from sd4match.features.extractor import extract
from sd4match.features.latents import Latents
from sd4match.keypoints import to_square
from sd4match.losses import gaussian_cross_entropy
from sd4match.prompts import Prompt
from sd4match.recipe import TuningSettings


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
    maps = extract(
        backbone,
        clean,
        hidden_states(backbone, prompt, images, contents),
        timestep=settings.timestep,
        layers=[settings.layer],
        # The name keeps it apart from the numbered draws of prediction.
        noise=[[latents.noise(*image, settings.seed, f"step {step}")] for image in images],
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
