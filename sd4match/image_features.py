"""Feature maps of images of pairs: latents, noise, prompt and UNet put together."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from sd4match.backbones import Backbone
from sd4match.conditioning import hidden_states
from sd4match.datasets import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.extractor import extract
from sd4match.features.fusion import fuse
from sd4match.features.latents import Latents
from sd4match.prompts import Prompt

Maps = dict[int, Tensor]
"""UNet layer -> (C, h, w)."""


def image_features(
    images: Sequence[tuple[ImagePair, Side]],
    *,
    backbone: Backbone,
    prompt: Prompt,
    latents: Latents,
    contents: Contents,
    timestep: int,
    ensemble: int,
    layers: Sequence[int],
    fusion: bool,
    seed: int,
    chunk: int,
) -> list[Maps]:
    """Extract a batch of images of pairs, each under its prompt.

    Args:
        images: each a pair, and which side of it.
        backbone: the frozen models.
        prompt: what conditions them.
        latents: of images of the size that the model sees.
        contents: where prompts that read images, and fusion, look.
        timestep: of the noise added.
        ensemble: noise draws to average over.
        layers: up blocks to read.
        fusion: join DINO's features to each layer's (METHOD.md section 3).
        seed: of the noise and the latent samples.
        chunk: noisy latents a UNet pass.

    Returns:
        For each image, layer -> (C, h, w) float32 on the backbone's device.

    Raises:
        SD4MatchError: a category that the prompt does not know, an unreadable image, features that
            are not finite.
    """
    maps = extract(
        backbone,
        torch.stack([latents.sample(*image, seed) for image in images]),
        hidden_states(backbone, prompt, images, contents),
        timestep=timestep,
        layers=layers,
        noise=[map(partial(latents.noise, *image, seed), range(ensemble)) for image in images],
        chunk=chunk,
    )
    for layer, found in maps.items():
        if not found.isfinite().all():
            raise SD4MatchError(
                f"features of layer {layer} at timestep {timestep} are not finite in "
                f"{backbone.dtype}: use dtype bfloat16 or float32"
            )
    # A view would keep the whole batch alive.
    each = [{layer: found[i].clone() for layer, found in maps.items()} for i in range(len(images))]
    if fusion:
        for image, own in zip(images, each, strict=True):
            for layer, found in own.items():
                hw = found.shape[1], found.shape[2]
                dino = contents.dense(*image, image_size=latents.image_size, hw=hw)
                own[layer] = fuse(found, dino)
    return each
