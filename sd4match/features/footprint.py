"""How many numbers a backbone holds and makes, counted on meta tensors without weights."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from sd4match.backbones import Architecture
from sd4match.features.cost import meta_unet, meta_vae, unet_inputs
from sd4match.features.unet import truncate


@dataclass(frozen=True)
class Footprint:
    """Numbers (not bytes), those of activations for one image.

    Attributes:
        weights: of the whole UNet, the VAE and the text encoder.
        unet_peak: the most that any one module of the UNet reads and writes.
        unet_all: what all modules of the UNet write: what a backward pass needs, about.
        vae_peak: as ``unet_peak``, for the VAE's encoder.
    """

    weights: int
    unet_peak: int
    unet_all: int
    vae_peak: int


@lru_cache(maxsize=64)
def footprint(architecture: Architecture, image_size: int, layer: int) -> Footprint:
    """Count what a forward pass to a layer holds and makes.

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels.
        layer: the deepest up block that is read.

    Returns:
        The counts.

    Raises:
        SD4MatchError: an image size or layer that the architecture does not have.
    """
    architecture.check(image_size=image_size, layers=(layer,))
    unet, vae = meta_unet(architecture), meta_vae(architecture)
    with torch.device("meta"):
        text = CLIPTextModel(CLIPTextConfig(**architecture.text_encoder))
        image = torch.empty(1, 3, image_size, image_size)
    inputs = unet_inputs(architecture, image_size)
    unet_peak, unet_all = _activations(truncate(unet, layer), **inputs)
    vae_peak, _ = _activations(vae.encoder, sample=image)
    weights = sum(p.numel() for model in (unet, vae, text) for p in model.parameters())
    return Footprint(weights, unet_peak, unet_all, vae_peak)


@torch.no_grad()
def _activations(model: nn.Module, **inputs: Any) -> tuple[int, int]:
    """The most that a leaf module reads and writes, and what all of them write."""
    peak = total = 0

    def count(module: nn.Module, read: tuple[Any, ...], written: Any) -> None:
        nonlocal peak, total
        made = written.numel() if isinstance(written, Tensor) else 0
        taken = sum(value.numel() for value in read if isinstance(value, Tensor))
        peak, total = max(peak, made + taken), total + made

    leaves = [module for module in model.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(count) for module in leaves]
    model(**inputs)
    for hook in hooks:
        hook.remove()
    return peak, total
