"""The images as the UNet sees them: encoded once, when the autoencoder is trained."""

import math
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from torch import Tensor

from sd4match.files.atomic import atomic_path
from sd4match.testbed.nano.training.autoencoder import as_input
from sd4match.testbed.nano.training.corpus import Corpus
from sd4match.testbed.nano.training.identity import identity
from sd4match.testbed.nano.training.loop import mixed
from sd4match.testbed.shapes.style import generator

_BATCH = 64


class Encoded(NamedTuple):
    """A corpus's latents.

    Attributes:
        values: (n, 4, 32, 32) float16 on the CPU, of standard deviation 1.
        scale: what they were multiplied by for that.
        identity: of the autoencoder and the images they were made from.
    """

    values: Tensor
    scale: float
    identity: str


def open_latents(folder: Path, vae: AutoencoderKL, corpus: Corpus, *, seed: int) -> Encoded:
    """Open a corpus's latents, drawn from their posteriors first when they are not there.

    Args:
        folder: where latents lie.
        vae: the trained autoencoder.
        corpus: the images.
        seed: of the draws.
    """
    made_from = identity(vae.state_dict(), corpus.identity, seed)
    path = folder / f"latents-{made_from}.safetensors"
    if not path.is_file():
        with atomic_path(path) as temporary:
            save_file({"latents": _encode(vae, corpus, seed)}, temporary)
    latents = load_file(path)["latents"]
    scale = unit_scale(latents)
    return Encoded(latents * scale, scale, made_from)


@torch.no_grad()
def _encode(vae: AutoencoderKL, corpus: Corpus, seed: int) -> Tensor:
    rows = []
    for start in range(0, len(corpus), _BATCH):
        pixels = as_input(corpus.pixels[start : start + _BATCH]).to(vae.device)
        with mixed(vae.device):
            posterior = vae.encode(pixels).latent_dist
        noise = generator(seed, "latents", start).standard_normal(tuple(posterior.mean.shape))
        draw = posterior.mean.cpu() + posterior.std.cpu() * torch.from_numpy(noise)
        rows.append(draw.half())
    return torch.cat(rows).contiguous()


def unit_scale(latents: Tensor) -> float:
    """What latents are multiplied by to have standard deviation 1, to four digits."""
    deviation = latents.float().std().item()
    return round(1 / deviation, 3 - math.floor(math.log10(1 / deviation)))
