"""Feature maps of images of pairs: latents, noise, prompt, UNet and, if wanted, DINO combined.

A prompt is encoded once for what it depends on: nothing, a category, an image or a pair.
"""

from collections.abc import Hashable, Sequence
from functools import partial

import torch
from torch import Tensor

from sd4match.backbones.loading import Backbone, weight_that_is_not_finite
from sd4match.backbones.published_configs import Reads
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.extractor import extract
from sd4match.features.latents import Latents, image_key
from sd4match.matching.correlation import vector_norm
from sd4match.matching.readout import Layer
from sd4match.prompts.base import Prompt

Maps = dict[Layer, Tensor]
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
    layers: Sequence[Layer],
    fusion: bool,
    seed: int,
    chunk: int,
) -> list[Maps]:
    """Extract the features of a batch of images of pairs, each conditioned by the prompt.

    Args:
        images: pairs, each with a side.
        backbone: the frozen models.
        prompt: the prompt that conditions them.
        latents: latents for the image size that the model sees.
        contents: image contents, for prompts that read images and for fusion.
        timestep: noise level.
        ensemble: number of noise draws to average over.
        layers: up blocks, or places inside them, to read.
        fusion: join DINO's features to those of each layer (docs/explanation/method.md section 3).
        seed: seed of the noise and the latent samples.
        chunk: noisy latents per UNet pass.

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
            if weight := weight_that_is_not_finite(backbone):
                raise SD4MatchError(
                    f"{backbone.name}: {weight} is not finite everywhere: fetch the model again, "
                    "or repair the weights"
                )
            raise SD4MatchError(
                f"features of layer {layer} at timestep {timestep} are not finite in "
                f"{backbone.dtype}: use dtype bfloat16 or float32"
            )
    # A view would keep the full batch in memory.
    each = [{layer: found[i].clone() for layer, found in maps.items()} for i in range(len(images))]
    if fusion:
        for image, own in zip(images, each, strict=True):
            for layer, found in own.items():
                hw = found.shape[1], found.shape[2]
                dino = contents.dense(*image, image_size=latents.image_size, hw=hw)
                own[layer] = fuse(found, dino)
    return each


def dependence(prompt: Prompt, pair: ImagePair, side: Side) -> Hashable:
    """Return a key of what decides the hidden states of an image of a pair.

    docs/explanation/architecture.md, idea 3.

    Args:
        prompt: a prompt of any family.
        pair, side: the image.

    Returns:
        A key that is equal for images with equal hidden states.

    Raises:
        SD4MatchError: the prompt does not know the pair's category.
    """
    if prompt.depends_on == "category":
        return prompt.subject(pair.category)
    if prompt.depends_on == "image":
        return image_key(pair, side)
    if prompt.depends_on == "pair":
        return image_key(pair, "source"), image_key(pair, "target")
    return None


def hidden_states(
    backbone: Backbone,
    prompt: Prompt,
    images: Sequence[tuple[ImagePair, Side]],
    contents: Contents,
) -> Tensor:
    """Encode a prompt for images of pairs.

    Args:
        backbone: the pipeline that the prompt belongs to.
        prompt: a prompt of any family.
        images: B images.
        contents: image contents, for prompts that read images.

    Returns:
        (B, 77, D), or (1, 77, D) if all images share one, with gradients to learned parameters.

    Raises:
        SD4MatchError: an unreadable image, or a category that the prompt does not know.
    """
    keys = [dependence(prompt, *image) for image in images]
    distinct: dict[Hashable, tuple[ImagePair, Side]] = {}
    for key, image in zip(keys, images, strict=True):
        distinct.setdefault(key, image)
    if prompt.reads:
        read = [_content(prompt, prompt.reads, *image, contents) for image in distinct.values()]
        each = prompt.hidden_states(backbone, content=torch.stack(read).to(backbone.device))
    else:
        each = torch.cat(
            [prompt.hidden_states(backbone, pair.category) for pair, _ in distinct.values()]
        )
    if len(distinct) == 1:
        return each
    rows = {key: row for row, key in enumerate(distinct)}
    return each[[rows[key] for key in keys]]


def _content(
    prompt: Prompt, reads: Reads, pair: ImagePair, side: Side, contents: Contents
) -> Tensor:
    """(T, F) of an image; (T, 2F) of a pair, source first."""
    sides: tuple[Side, ...] = ("source", "target") if prompt.depends_on == "pair" else (side,)
    return torch.cat([contents.read(pair, each, reads) for each in sides], dim=-1)


def fuse(diffusion: Tensor, dino: Tensor) -> Tensor:
    """Join the UNet's and DINO's feature maps of one image ("DINO fusion").

    docs/explanation/method.md section 3. Match the result with ``l2_normalize=False``.

    Args:
        diffusion: (C, h, w) features of the UNet.
        dino: (F, h, w) features of the image encoder, on any device and in any dtype.

    Returns:
        (C + F, h, w): both parts L2-normalized and halved, so that a correlation is a quarter of
        the sum of the two correlations.
    """
    parts = (diffusion, dino.to(diffusion))
    return torch.cat([0.5 * part / vector_norm(part, dim=0) for part in parts])
