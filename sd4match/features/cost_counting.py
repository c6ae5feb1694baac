"""Counting the cost of a backbone on meta tensors, without weights, for `features.cost`."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

from sd4match.backbones.architectures import LAYERS, Architecture
from sd4match.features.unet import truncate


@torch.no_grad()
def count(architecture: Architecture, image_size: int) -> dict[str, Any]:
    """Count one forward pass of each model of a backbone.

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels; a multiple of ``architecture.vae_factor``.

    Returns:
        The fields of `sd4match.features.cost.Counts`, as JSON values.
    """
    unet, vae, text = _meta_models(architecture)
    side = image_size // architecture.vae_factor
    inputs = {
        "sample": torch.empty(1, architecture.vae["latent_channels"], side, side, device="meta"),
        "timestep": torch.zeros(1, device="meta"),
        "encoder_hidden_states": torch.empty(
            1, architecture.max_tokens, architecture.hidden_size, device="meta"
        ),
    }
    image = torch.empty(1, 3, image_size, image_size, device="meta")
    ids = torch.zeros(1, architecture.max_tokens, dtype=torch.int64, device="meta")
    layers = []
    for layer in LAYERS:
        short = truncate(unet, layer)
        run = partial(short, **inputs)
        output, peak, written = _activations(short, run)
        _, channels, height, width = output.sample.shape
        flops = _flops(run)
        layers.append(
            {"flops": flops, "peak": peak, "written": written, "shape": [channels, height, width]}
        )
    _, vae_peak, _ = _activations(vae.encoder, partial(vae.encoder, sample=image))
    models: tuple[nn.Module, ...] = (unet, vae, text)
    return {
        "layers": layers,
        "unet": _flops(partial(unet, **inputs)),
        "vae_encode": _flops(partial(vae.encode, x=image)),
        "text": _flops(partial(text, input_ids=ids)),
        "weights": sum(p.numel() for model in models for p in model.parameters()),
        "vae_peak": vae_peak,
    }


@lru_cache(maxsize=4)
def _meta_models(
    architecture: Architecture,
) -> tuple[UNet2DConditionModel, AutoencoderKL, CLIPTextModel]:
    with torch.device("meta"):
        return (
            UNet2DConditionModel.from_config(dict(architecture.unet)).eval(),
            AutoencoderKL.from_config(dict(architecture.vae)).eval(),
            CLIPTextModel(CLIPTextConfig(**architecture.text_encoder)).eval(),
        )


def _flops(run: Callable[[], Any]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def _activations(model: nn.Module, run: Callable[[], Any]) -> tuple[Any, int, int]:
    """The output, the most that a leaf module reads and writes, and what all of them write."""
    peak = total = 0

    def count(module: nn.Module, read: tuple[Any, ...], written: Any) -> None:
        nonlocal peak, total
        made = written.numel() if isinstance(written, Tensor) else 0
        taken = sum(value.numel() for value in read if isinstance(value, Tensor))
        peak, total = max(peak, made + taken), total + made

    leaves = [module for module in model.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(count) for module in leaves]
    output = run()
    for hook in hooks:
        hook.remove()
    return output, peak, total
