"""DINOv2's position embeddings at any image size, by the authors' formula.

Versions of transformers interpolate them differently (docs/explanation/method.md section 7), so
`use_authors_formula` replaces transformers' interpolation in a loaded model.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from torch import Tensor

from sd4match.errors import SD4MatchError

OFFSET = 0.1
"""Patches that the authors' code adds to a side when it computes the scale."""


def interpolate(table: Tensor, grid: tuple[int, int], *, registers: bool) -> Tensor:
    """Interpolate position embeddings to a grid of patches.

    docs/explanation/method.md section 7. Models without registers were trained with a scale of
    (n + 0.1) / M for each side of n patches; models with registers with the grid's size and
    antialiasing. Neither changes the table if the grid is the table's own.

    Args:
        table: (1, 1 + M·M, D): the class token's embedding, then those of M×M patches.
        grid: (h, w) in patches.
        registers: whether the model has register tokens.

    Returns:
        (1, 1 + h·w, D) in the table's dtype; interpolated in float32.
    """
    side = math.isqrt(table.shape[1] - 1)
    if grid == (side, side):
        return table
    square = table[:, 1:].float().mT.unflatten(-1, (side, side))
    if registers:
        patches = F.interpolate(square, size=grid, mode="bicubic", antialias=True)
    else:
        # The scale itself, not the one that follows from both sizes, places the samples.
        scale = [(n + OFFSET) / side for n in grid]
        patches = F.interpolate(
            square, scale_factor=scale, mode="bicubic", recompute_scale_factor=False
        )
    return torch.cat([table[:, :1], patches.flatten(2).mT.to(table.dtype)], dim=1)


@torch.no_grad()
def use_authors_formula(model: Any) -> None:
    """Make a DINOv2 interpolate its position embeddings by `interpolate`.

    Args:
        model: a ``Dinov2Model`` or ``Dinov2WithRegistersModel``, changed in place.

    Raises:
        SD4MatchError: the installed transformers does not compute embeddings in the known way.
    """
    patch = int(model.config.patch_size)
    registers = int(getattr(model.config, "num_register_tokens", 0))

    def positions(_: Tensor, height: int, width: int) -> Tensor:
        grid = (height // patch, width // patch)
        return interpolate(embeddings.position_embeddings, grid, registers=bool(registers))

    try:
        embeddings = model.embeddings
        embeddings.interpolate_pos_encoding = positions
        table = embeddings.position_embeddings
        # Two patches of a black image show whether the model uses the replacement.
        black = table.new_zeros(1, model.config.num_channels, patch, 2 * patch)
        tokens = torch.cat([embeddings.cls_token, embeddings.patch_embeddings(black)], dim=1)
        expected = tokens + interpolate(table, (1, 2), registers=bool(registers))
        found = embeddings(black)
        agrees = torch.equal(found[:, [0, -2, -1]], expected) and len(found[0]) == 3 + registers
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        agrees = False
    if not agrees:
        raise SD4MatchError(
            f"transformers {transformers.__version__} computes the embeddings of "
            f"{type(model).__name__} in a way that this version of sd4match does not know: install "
            "an earlier transformers, or report this"
        )
