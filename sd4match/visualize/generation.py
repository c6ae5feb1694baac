"""Images that a prompt generates through its backbone (the paper's Figs. 4 and 5)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import DDIMScheduler
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.backbones.text import encode_text
from sd4match.datasets.images import load_image
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.prediction.features import hidden_states
from sd4match.prompts.base import Prompt
from sd4match.visualize.image_page import footnote, panels, show, title

_MOST_IN_A_ROW = 5

Named = tuple[str, Image.Image]


class Subject(NamedTuple):
    """An image to generate: its label, hidden states (1, 77, D), and the images they read."""

    label: str
    hidden: Tensor
    read: list[Named]


@torch.no_grad()
def subjects(
    backbone: Backbone,
    prompt: Prompt,
    *,
    categories: Sequence[str] = (),
    images: Sequence[tuple[ImagePair, Side]] = (),
    contents: Contents | None = None,
) -> list[Subject]:
    """List the images to generate, by what a prompt depends on.

    Args:
        backbone: the pipeline that the prompt belongs to.
        prompt: a prompt of any family.
        categories: for prompts that name a category; default: all that a class prompt has learned.
        images: for prompts that read an image or a pair, as from ``own_images.images``.
        contents: image contents, for prompts that read images.

    Returns:
        One subject, or one for each category, image or pair.

    Raises:
        SD4MatchError: a category or image is missing, or the prompt does not use it.
    """
    if categories and prompt.depends_on != "category":
        raise SD4MatchError(f"a {prompt.family} prompt names no category: leave the category out")
    if images and prompt.depends_on not in ("image", "pair"):
        raise SD4MatchError(f"a {prompt.family} prompt reads no image: leave the image out")
    if prompt.depends_on == "nothing":
        return [Subject("", prompt.hidden_states(backbone), [])]
    if prompt.depends_on == "category":
        names = list(categories) or list(getattr(prompt, "categories", ()))
        if not names:
            raise SD4MatchError(f"a {prompt.family} prompt needs a category to generate: name one")
        return [Subject(name, prompt.hidden_states(backbone, name), []) for name in names]
    of_pair = prompt.depends_on == "pair"
    if not images or (of_pair and len(images) % 2):
        wanted = "two images, or pairs of images," if of_pair else "an image"
        raise SD4MatchError(f"this {prompt.family} prompt reads {wanted} to generate: name them")
    found = []
    step = 2 if of_pair else 1
    for i in range(0, len(images), step):
        hidden = hidden_states(backbone, prompt, [images[i]], contents or Contents(backbone))
        read = [(_name(*image), load_image(*image)) for image in images[i : i + step]]
        found.append(Subject("generated", hidden, read))
    return found


def _name(pair: ImagePair, side: Side) -> str:
    return Path(pair.source_id if side == "source" else pair.target_id).name


@torch.no_grad()
def generate(
    backbone: Backbone,
    hidden: Tensor,
    *,
    steps: int = 50,
    guidance: float = 7.5,
    seed: int = 0,
    image_size: int | None = None,
) -> Image.Image:
    """Sample one image by DDIM (arXiv 2010.02502) with classifier-free guidance (2207.12598).

    Gives what diffusers' ``StableDiffusionPipeline`` gives for the same initial noise.

    Args:
        backbone: the models.
        hidden: (1, 77, D), the prompt's hidden states.
        steps: steps of the sampler, 1 or more.
        guidance: weight of the prompt's prediction against the empty prompt's; 1 uses the prompt
            alone.
        seed: seed of the initial noise, which is the same for every prompt.
        image_size: side of the image, pixels; default: the backbone's own.

    Returns:
        The image.

    Raises:
        SD4MatchError: settings out of range, or an image that is not finite.
    """
    backbone.architecture.check(image_size=image_size)
    most = backbone.architecture.n_timesteps - 1  # the first timestep is left out: see steps_offset
    if not 1 <= steps <= most:
        raise SD4MatchError(f"{steps} steps: take 1 to {most}")
    if not 1 <= guidance < float("inf"):
        raise SD4MatchError(f"guidance {guidance:g}: take 1 (none) or more, usually 7.5")
    side = (image_size or backbone.image_size) // backbone.vae_factor
    generator = torch.Generator().manual_seed(seed)
    shape = (1, backbone.architecture.vae["latent_channels"], side, side)
    latents = torch.randn(shape, generator=generator).to(backbone.device, backbone.dtype)
    condition = hidden.to(backbone.device, backbone.dtype)
    if guidance > 1:
        condition = torch.cat([encode_text(backbone, ""), condition])
    # Every release of Stable Diffusion sets both; the defaults are wrong for it.
    scheduler = DDIMScheduler.from_config(
        backbone.scheduler.config, clip_sample=False, steps_offset=1
    )
    scheduler.set_timesteps(steps, device=backbone.device)
    for timestep in scheduler.timesteps:
        noise = backbone.unet(latents.expand(len(condition), -1, -1, -1), timestep, condition)
        without, *prompted = noise.sample.chunk(len(condition))
        predicted = without + guidance * (prompted[0] - without) if prompted else without
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    pixels = backbone.vae.decode(latents / backbone.vae.config.scaling_factor).sample[0]
    if not pixels.isfinite().all():
        raise SD4MatchError(
            f"the image is not finite in {backbone.dtype}: use dtype bfloat16 or float32"
        )
    levels = (pixels.float() / 2 + 0.5).clamp(0, 1).mul(255).round().byte()
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def generated(groups: Sequence[Sequence[Named]], *, note: str = "") -> Figure:
    """Draw images with titles, in rows of at most five.

    Args:
        groups: one or more of equal length: the images that a prompt read, then the generated one.
        note: a line below the picture, such as the prompt and the sampler's settings.

    Returns:
        The figure.
    """
    length = len(groups[0])
    lines = math.ceil(len(groups) / max(1, _MOST_IN_A_ROW // length))
    columns = length * math.ceil(len(groups) / lines)  # rows about equally long
    images = [each for group in groups for each in group]
    parts = [images[i : i + columns] for i in range(0, len(images), columns)]
    rows = [[image.size for _, image in part] for part in parts]
    figure, axes = panels(rows, tallest=2.2, foot=0.25, apart=length if length > 1 else None)
    for part, row in zip(parts, axes, strict=True):
        for (label, image), panel in zip(part, row, strict=True):
            show(panel, image)
            title(panel, label, fit=True)
    footnote(figure, note)
    return figure
