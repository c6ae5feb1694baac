"""Stable Diffusion's features and DINO's as one (METHOD.md section 3, "DINO fusion")."""

import torch
from torch import Tensor

from sd4match.matching import vector_norm


def fuse(diffusion: Tensor, dino: Tensor) -> Tensor:
    """Join two feature maps of one image; match the result with ``l2_normalize=False``.

    Args:
        diffusion: (C, h, w) of the UNet.
        dino: (F, h, w) of the image encoder, on any device and in any dtype.

    Returns:
        (C + F, h, w): each half L2-normalised and halved, so that correlations are those of the
        two added up, each times 1/4.
    """
    parts = (diffusion, dino.to(diffusion))
    return torch.cat([0.5 * part / vector_norm(part, dim=0) for part in parts])
