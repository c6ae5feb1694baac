"""Truncated UNets, which end at a layer: after one of their up blocks, or inside it."""

import copy
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from sd4match.matching.readout import Layer, Place, names_of

_Module = TypeVar("_Module", bound=nn.Module)


def truncate(
    unet: UNet2DConditionModel, layer: Layer, *, read: Collection[Layer] = ()
) -> UNet2DConditionModel:
    """Make a UNet whose output is the feature map at ``layer``.

    docs/explanation/method.md section 7: later up blocks become stubs, so that the UNet still
    counts its skip connections and upsampling sizes correctly; a shorter list would give wrong
    shapes if the latent side is not a multiple of 8. A block that is read inside runs in parts.
    Features and gradients are bit-identical to the full UNet's on the same device, with as many
    threads, in the same batch. Gradient checkpointing and ``torch.compile`` work.

    Args:
        unet: the full model, which is not changed.
        layer: the deepest layer that is read.
        read: further layers that `module_at` has to find.

    Returns:
        A UNet that shares the blocks and parameters of ``unet``.
    """
    deepest, _ = names_of(layer)
    blocks: list[nn.Module] = []
    for index, block in enumerate(unet.up_blocks):
        if index > deepest:
            blocks.append(_Stub(len(block.resnets)))
            continue
        inside = {at.number for at in (*read, layer) if isinstance(at, Place) and at.block == index}
        ends = isinstance(layer, Place) and index == deepest
        blocks.append(_InParts(block, sorted(inside), whole=not ends) if inside else block)
    short = _copied(unet)
    short.up_blocks = nn.ModuleList(blocks)
    short.conv_norm_out = None
    short.conv_out = nn.Identity()
    return short


def module_at(unet: UNet2DConditionModel, layer: Layer) -> nn.Module:
    """Return the module whose output is the feature map at a layer.

    Args:
        unet: a truncated UNet.
        layer: one that it was made to read.

    Returns:
        An up block, or a part of one.
    """
    inside = f"{layer.block}.parts.{layer.number}" if isinstance(layer, Place) else layer
    module: nn.Module = unet.get_submodule(f"up_blocks.{inside}")
    return module


def _copied(module: _Module) -> _Module:
    """A shallow copy with registries of modules and hooks of its own."""
    made = copy.copy(module)
    for name, value in vars(module).items():
        if type(value) in (dict, OrderedDict):
            setattr(made, name, value.copy())
    return made


class _InParts(nn.Module):
    """An up block that runs part by part, so that the maps between its parts can be read.

    Args:
        block: the up block; its resnets, attentions and upsamplers are shared.
        ends: numbers of the resnets after which a part ends, in order.
        whole: whether the rest of the block runs too.
    """

    def __init__(self, block: Any, ends: Sequence[int], *, whole: bool) -> None:
        super().__init__()
        self.resnets = [None] * len(block.resnets)  # the UNet counts them
        self.has_cross_attention = getattr(block, "has_cross_attention", False)
        self.parts = nn.ModuleDict()
        for start, end in zip((0, *ends), ends, strict=False):
            part = _part(block, slice(start, end))
            part.upsamplers = None
            self.parts[str(end)] = part
        if whole:
            self.parts["rest"] = _part(block, slice(ends[-1], None))

    def forward(
        self, hidden_states: Tensor, res_hidden_states_tuple: tuple[Tensor, ...], **rest: Any
    ) -> Tensor:
        skips = res_hidden_states_tuple  # a block takes its own from the end
        part: Any
        for part in self.parts.values():
            hidden_states = part(hidden_states=hidden_states, res_hidden_states_tuple=skips, **rest)
            skips = skips[: len(skips) - len(part.resnets)]
        return hidden_states


def _part(block: Any, resnets: slice) -> Any:
    """The block with some of its resnets and their attentions."""
    part: Any = _copied(block)
    part.resnets = nn.ModuleList(list(block.resnets)[resnets])
    if getattr(block, "attentions", None) is not None:
        part.attentions = nn.ModuleList(list(block.attentions)[resnets])
    return part


class _Stub(nn.Module):
    """Replaces an up block: takes as many skip connections, and returns its input."""

    has_cross_attention = False

    def __init__(self, n_resnets: int) -> None:
        super().__init__()
        self.resnets = [None] * n_resnets

    def forward(self, hidden_states: Tensor, **_: Any) -> Tensor:
        return hidden_states
