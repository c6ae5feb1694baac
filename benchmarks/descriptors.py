"""Descriptors of images that learned nothing, to compare learned features with."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def raw_pixels(image: Tensor) -> Tensor:
    """(3, S, S) to (147, S/4, S/4): 7 by 7 colors around every fourth pixel, less their mean."""
    smooth = F.avg_pool2d(image[None], 3, stride=1, padding=1)
    patches = F.unfold(smooth, 7, dilation=3, padding=9, stride=4)[0]
    return _as_map(patches - patches.mean(0))


def gradient_histograms(image: Tensor) -> Tensor:
    """(3, S, S) to (128, S/4, S/4): 4 by 4 cells of 8 directions of gradients, as SIFT has them."""
    grey = image.mean(0)
    dx, dy = (torch.gradient(grey, dim=dim)[0] for dim in (1, 0))
    turn = torch.atan2(dy, dx) / (2 * torch.pi) * 8
    bins = torch.arange(8.0)[:, None, None]
    # A direction counts for the two bins beside it.
    distance = (turn - bins + 4).remainder(8) - 4
    votes = (1 - distance.abs()).clamp_min(0) * torch.hypot(dx, dy)
    cells = F.avg_pool2d(votes[None], 8, stride=4, padding=2, count_include_pad=False)
    blocks = F.unfold(cells, 4, dilation=2, padding=3)[0]
    unit = blocks / (blocks.norm(dim=0) + 1e-6)
    return _as_map(unit.clamp_max(0.2))


def _as_map(rows: Tensor) -> Tensor:
    side = math.isqrt(rows.shape[1])
    return rows.unflatten(1, (side, side))
