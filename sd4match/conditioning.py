"""The hidden states that condition images of pairs, encoded once per what they depend on."""

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from sd4match.backbones import Backbone, Reads
from sd4match.datasets import ImagePair, Side
from sd4match.features.contents import Contents
from sd4match.features.latents import image_key
from sd4match.prompts import Prompt


def dependence(prompt: Prompt, pair: ImagePair, side: Side) -> Hashable:
    """What of an image of a pair decides its hidden states (DESIGN.md, idea 3).

    Args:
        prompt: of any family.
        pair, side: the image.

    Returns:
        Equal for images that are conditioned alike.

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
        prompt: of any family.
        images: B images.
        contents: where prompts that read images look.

    Returns:
        (B, 77, D), or (1, 77, D) where one serves all, with gradients to learned parameters.

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
