"""Counting the cost of a backbone on meta tensors, without weights, for `features.cost`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Self

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

from sd4match.backbones.architectures import LAYERS, Architecture
from sd4match.backbones.conditioning import require_text_alone
from sd4match.features.unet import module_at, truncate
from sd4match.matching.readout import Layer, Place


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
    require_text_alone(unet, architecture)
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
    places = [[Place(b, 1 + n) for n in range(architecture.places(b))] for b in LAYERS]
    every: list[Layer] = [*LAYERS, *chain.from_iterable(places)]
    counted = _counted(truncate(unet, LAYERS[-1], read=every), inputs, every)
    with _Activations.of(vae.encoder) as encoding:
        vae.encoder(sample=image)
    models: tuple[nn.Module, ...] = (unet, vae, text)
    return {
        "layers": [counted[layer] for layer in LAYERS],
        "places": [[counted[place] for place in inside] for inside in places],
        "unet": _flops(partial(unet, **inputs)),
        "vae_encode": _flops(partial(vae.encode, x=image)),
        "text": _flops(partial(text, input_ids=ids)),
        "weights": sum(p.numel() for model in models for p in model.parameters()),
        "vae_peak": encoding.peak,
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


def _counted(
    unet: UNet2DConditionModel, inputs: dict[str, Tensor], layers: Sequence[Layer]
) -> dict[Layer, dict[str, Any]]:
    """What one pass has computed by each layer."""
    found: dict[Layer, dict[str, Any]] = {}

    def note(layer: Layer, module: nn.Module, read: object, written: Tensor) -> None:
        found[layer] = {
            "flops": int(counter.get_total_flops()),
            "peak": activations.peak,
            "written": activations.written,
            "shape": list(written.shape[1:]),
        }

    with FlopCounterMode(display=False) as counter, _Activations.of(unet) as activations:
        hooks = [module_at(unet, at).register_forward_hook(partial(note, at)) for at in layers]
        unet(**inputs)
    for hook in hooks:
        hook.remove()
    return found


@dataclass
class _Activations:
    """The most that a leaf module reads and writes, and what all of them write, in numbers."""

    peak: int = 0
    written: int = 0

    @classmethod
    @contextmanager
    def of(cls, model: nn.Module) -> Iterator[Self]:
        """Count while this block runs the model."""
        counts = cls()
        leaves = [module for module in model.modules() if not list(module.children())]
        hooks = [module.register_forward_hook(counts._count) for module in leaves]
        yield counts
        for hook in hooks:
            hook.remove()

    def _count(self, module: nn.Module, read: tuple[Any, ...], written: Any) -> None:
        made = written.numel() if isinstance(written, Tensor) else 0
        taken = sum(value.numel() for value in read if isinstance(value, Tensor))
        self.peak, self.written = max(self.peak, made + taken), self.written + made
