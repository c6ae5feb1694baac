"""The cost of a backbone: operations, memory and shapes, counted on meta tensors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

from sd4match.backbones.architectures import LAYERS, Architecture
from sd4match.features.unet import truncate


@dataclass(frozen=True)
class Flops:
    """Floating-point operations of one forward pass of one image (2 per multiply-add).

    Attributes:
        vae_encode: image to posterior moments.
        text: one prompt through the text encoder.
        unet: one noisy latent through the UNet, up to the given layer.
    """

    vae_encode: int
    text: int
    unet: int


@lru_cache(maxsize=256)
def flops(architecture: Architecture, image_size: int, layer: int | None = None) -> Flops:
    """Count the operations of a forward pass (docs/explanation/method.md section 5).

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels.
        layer: the deepest up block that is read; None for the whole UNet.

    Returns:
        The counts; a backward pass costs about as much again for the UNet and the text encoder.

    Raises:
        SD4MatchError: an image size or layer that the architecture does not have.
    """
    architecture.check(image_size=image_size, layers=() if layer is None else (layer,))
    unet = meta_unet(architecture)
    if layer is not None:
        unet = truncate(unet, layer)
    return Flops(
        vae_encode=_vae_flops(architecture, image_size),
        text=_text_flops(architecture),
        unet=_count(unet, **unet_inputs(architecture, image_size)),
    )


def layer_shapes(architecture: Architecture, image_size: int) -> dict[int, tuple[int, int, int]]:
    """Return the shape of each layer's feature map (docs/explanation/method.md section 1).

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels.

    Returns:
        Layer -> (C, h, w).

    Raises:
        SD4MatchError: an image size that the architecture does not take.
    """
    architecture.check(image_size=image_size)
    return {layer: _layer_shape(architecture, image_size, layer) for layer in LAYERS}


@lru_cache(maxsize=256)
def _layer_shape(architecture: Architecture, image_size: int, layer: int) -> tuple[int, int, int]:
    unet = truncate(meta_unet(architecture), layer)
    with torch.no_grad():
        _, channels, height, width = unet(**unet_inputs(architecture, image_size)).sample.shape
    return int(channels), int(height), int(width)


@lru_cache(maxsize=16)
def meta_unet(architecture: Architecture) -> UNet2DConditionModel:
    """The UNet without its weights."""
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(dict(architecture.unet)).eval()


def unet_inputs(architecture: Architecture, image_size: int) -> dict[str, Any]:
    """The arguments of the UNet for one image, without values."""
    side = image_size // architecture.vae_factor
    channels = architecture.vae["latent_channels"]
    tokens = (1, architecture.max_tokens, architecture.hidden_size)
    return {
        "sample": torch.empty(1, channels, side, side, device="meta"),
        "timestep": torch.zeros(1, device="meta"),
        "encoder_hidden_states": torch.empty(tokens, device="meta"),
    }


@lru_cache(maxsize=16)
def meta_vae(architecture: Architecture) -> AutoencoderKL:
    """The VAE without its weights."""
    with torch.device("meta"):
        return AutoencoderKL.from_config(dict(architecture.vae)).eval()


@lru_cache(maxsize=64)
def _vae_flops(architecture: Architecture, image_size: int) -> int:
    image = torch.empty(1, 3, image_size, image_size, device="meta")
    return _count(meta_vae(architecture).encode, x=image)


@lru_cache(maxsize=64)
def _text_flops(architecture: Architecture) -> int:
    with torch.device("meta"):
        model = CLIPTextModel(CLIPTextConfig(**architecture.text_encoder)).eval()
        ids = torch.zeros(1, architecture.max_tokens, dtype=torch.int64)
    return _count(model, input_ids=ids)


def _count(run: Callable[..., Any], **inputs: Any) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run(**inputs)
    return int(counter.get_total_flops())


@dataclass(frozen=True)
class Footprint:
    """Memory in numbers (not bytes); activations are those of one image.

    Attributes:
        weights: weights of the full UNet, the VAE and the text encoder.
        unet_peak: the most that one module of the UNet reads and writes.
        unet_all: what all modules of the UNet write, about the need of a backward pass.
        vae_peak: as ``unet_peak``, for the VAE's encoder.
    """

    weights: int
    unet_peak: int
    unet_all: int
    vae_peak: int


@lru_cache(maxsize=64)
def footprint(architecture: Architecture, image_size: int, layer: int) -> Footprint:
    """Count the memory of a forward pass up to a layer.

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
