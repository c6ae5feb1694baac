"""The latents of the corpus, encoded once by the trained autoencoder."""

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
from sd4match.testbed.nano.training.input_hash import identity
from sd4match.testbed.nano.training.loop import mixed
from sd4match.testbed.shapes.style import named_rng

_BATCH = 64


class Encoded(NamedTuple):
    """The latents of a corpus.

    Attributes:
        values: (n, 4, 32, 32) float16 on the CPU, with standard deviation 1.
        scale: the factor that gave this standard deviation.
        identity: identity of the autoencoder and the images.
    """

    values: Tensor
    scale: float
    identity: str


def open_latents(folder: Path, vae: AutoencoderKL, corpus: Corpus, *, seed: int) -> Encoded:
    """Open the latents of a corpus; draw them from their posteriors if they do not exist.

    Args:
        folder: folder of the file.
        vae: the trained autoencoder.
        corpus: the images.
        seed: seed of the draws.
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
        noise = named_rng(seed, "latents", start).standard_normal(tuple(posterior.mean.shape))
        draw = posterior.mean.cpu() + posterior.std.cpu() * torch.from_numpy(noise)
        rows.append(draw.half())
    return torch.cat(rows).contiguous()


def unit_scale(latents: Tensor) -> float:
    """The factor that gives latents standard deviation 1, to four digits."""
    deviation = latents.float().std().item()
    return round(1 / deviation, 3 - math.floor(math.log10(1 / deviation)))
