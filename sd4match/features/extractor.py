"""Extraction of feature maps from noisy latents, any set of layers in one pass."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from weakref import WeakKeyDictionary

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from sd4match.backbones.loading import Backbone
from sd4match.features.unet import module_at, truncate
from sd4match.matching.readout import Layer, Place, depth

_Truncated = dict[tuple[Layer, ...], UNet2DConditionModel]
_truncated: WeakKeyDictionary[nn.Module, _Truncated] = WeakKeyDictionary()


def extract(
    backbone: Backbone,
    latents: Tensor,
    hidden: Tensor,
    *,
    timestep: int,
    layers: Sequence[Layer],
    noise: Iterable[Iterable[Tensor]],
    chunk: int = 8,
) -> dict[Layer, Tensor]:
    """Compute UNet features averaged over an ensemble of noise draws.

    docs/explanation/method.md section 1. All B·E noisy latents form one batch that runs in chunks,
    each made just before its pass; the UNet ends after the deepest layer. Gradients flow to
    ``hidden`` (wrap the call in ``torch.no_grad`` if none are needed).

    Args:
        backbone: the frozen models.
        latents: (B, 4, h, w) scaled latents, on any device.
        hidden: (B, 77, D) or, one prompt for all, (1, 77, D).
        timestep: noise level, 0 to 999 for Stable Diffusion.
        layers: up blocks to read, 0 to 3, or places inside them, in any order.
        noise: for each of the B images its E draws, each (4, h, w) standard normal, on any device:
            a tensor, or an iterator that draws one at a time.
        chunk: noisy latents per UNet pass; limits memory.

    Returns:
        For each layer, (B, C, h', w') float32 on the backbone's device.

    Raises:
        SD4MatchError: a layer or timestep that the backbone does not have.
    """
    wanted = sorted(set(layers), key=depth)
    backbone.architecture.check(layers=tuple(wanted), timestep=timestep)
    if not wanted:
        return {}
    # On the device once: the UNet would copy a plain number there in each call.
    time = torch.tensor([timestep], device=backbone.device)
    hidden = hidden.to(backbone.device, backbone.dtype)
    shared = hidden.shape[0] == 1
    unet = _truncate_once(backbone.unet, wanted)
    sums: dict[Layer, list[Tensor]] = {layer: [] for layer in wanted}
    draws = ((owner, draw) for owner, own in enumerate(noise) for draw in own)
    done = 0
    while part := list(islice(draws, chunk)):
        owners = [owner for owner, _ in part]
        noisy = _noisy(backbone, latents[owners], torch.stack([draw for _, draw in part]), time)
        rows = torch.tensor(owners).to(backbone.device, non_blocking=True)
        condition = hidden.expand(len(part), -1, -1) if shared else hidden[rows]
        with _reading(unet, wanted) as maps:
            maps[wanted[-1]] = unet(noisy, time, condition).sample
        for layer in wanted:
            # Summed row by row in the order of draws, whatever the chunks; a pass of another size
            # may still round its maps differently.
            for owner, row in zip(owners, maps[layer].float(), strict=True):
                if owner == len(sums[layer]):
                    sums[layer].append(row)
                else:
                    sums[layer][owner] = sums[layer][owner] + row
        done += len(part)
    ensemble = done // len(latents)
    return {layer: torch.stack(rows) / ensemble for layer, rows in sums.items()}


def _noisy(backbone: Backbone, clean: Tensor, draws: Tensor, time: Tensor) -> Tensor:
    """Return (n, 4, h, w) noisy latents, mixed in float32 for every dtype of the backbone."""
    # Blocking copies would keep the host from drawing the next chunk's noise meanwhile.
    clean, draws = (
        part.to(backbone.device, torch.float32, non_blocking=True) for part in (clean, draws)
    )
    mixed: Tensor = backbone.scheduler.add_noise(clean, draws, time)
    return mixed.to(backbone.dtype)


def _truncate_once(unet: UNet2DConditionModel, wanted: Sequence[Layer]) -> UNet2DConditionModel:
    """Keep each truncated UNet for as long as ``unet`` itself is alive."""
    known = _truncated.setdefault(unet, {})
    inside = (layer for layer in wanted[:-1] if isinstance(layer, Place))
    key = (*inside, wanted[-1])
    if key not in known:
        known[key] = truncate(unet, wanted[-1], read=key)
    return known[key]


@contextmanager
def _reading(unet: UNet2DConditionModel, wanted: Sequence[Layer]) -> Iterator[dict[Layer, Tensor]]:
    """Collect the maps at all wanted layers except the deepest, the UNet's own output."""
    maps: dict[Layer, Tensor] = {}

    def keep(layer: Layer, module: nn.Module, inputs: object, output: Tensor) -> None:
        maps[layer] = output

    handles = [
        module_at(unet, layer).register_forward_hook(partial(keep, layer)) for layer in wanted[:-1]
    ]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
