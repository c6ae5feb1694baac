"""Truncated UNets, which end after one of their up blocks."""

import copy
from collections import OrderedDict
from typing import Any

from diffusers import UNet2DConditionModel
from torch import Tensor, nn


def truncate(unet: UNet2DConditionModel, layer: int) -> UNet2DConditionModel:
    """Make a UNet whose output is the feature map after up block ``layer``.

    docs/explanation/method.md section 7: later up blocks become stubs, so that the UNet still
    counts its skip connections and upsampling sizes correctly; a shorter list would give wrong
    shapes if the latent side is not a multiple of 8. Features and gradients are bit-identical to
    the full UNet's, and gradient checkpointing and ``torch.compile`` work.

    Args:
        unet: the full model, which is not changed.
        layer: index of the up block, 0 to 3.

    Returns:
        A UNet that shares the blocks and parameters of ``unet``.
    """
    short = copy.copy(unet)
    # A shallow copy still shares the registries of modules and hooks: copy these too.
    for name, value in vars(unet).items():
        if type(value) in (dict, OrderedDict):
            setattr(short, name, value.copy())
    blocks = list(unet.up_blocks)
    stubs = [_Stub(len(block.resnets)) for block in blocks[layer + 1 :]]
    short.up_blocks = nn.ModuleList([*blocks[: layer + 1], *stubs])
    short.conv_norm_out = None
    short.conv_out = nn.Identity()
    return short


class _Stub(nn.Module):
    """Replaces an up block: takes as many skip connections, and returns its input."""

    has_cross_attention = False

    def __init__(self, n_resnets: int) -> None:
        super().__init__()
        self.resnets = [None] * n_resnets

    def forward(self, hidden_states: Tensor, **_: Any) -> Tensor:
        return hidden_states
