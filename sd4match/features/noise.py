"""Gaussian noise that depends on what it is for, and on nothing else."""

import hashlib
import json
from collections.abc import Sequence

import torch
from torch import Tensor


def gaussian(
    shape: Sequence[int], *, seed: int, content: str, flip: bool, draw: int | str
) -> Tensor:
    """Draw standard normal noise for one image.

    The batch, worker, device or retry it is drawn in makes no difference.

    Args:
        shape: of the result.
        seed: the user's seed.
        content: hash of the image's bytes.
        flip: whether the image is mirrored.
        draw: number of the draw in the ensemble, or the name of another use.

    Returns:
        float32 on the CPU.
    """
    key = json.dumps([int(seed), content, bool(flip), draw])  # NumPy scalars too
    digest = hashlib.sha256(key.encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return torch.randn(*shape, generator=generator)
