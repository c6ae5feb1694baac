"""Correlation of source descriptors with a target feature map.

Half-precision maps are correlated in float32: bfloat16 cannot distinguish neighboring peaks.
"""

import torch
from torch import Tensor

from sd4match.errors import SD4MatchError

_CHANNELS = 128  # number of squares that are added at once


def correlate(
    source_map: Tensor, target_map: Tensor, queries: Tensor, *, l2_normalize: bool = True
) -> Tensor:
    """Correlate the source descriptors at some points with every cell of the target.

    The source is sampled bilinearly, then normalized. Queries outside the map (padding, NaN
    included) are moved to its border: their rows are finite and have no meaning.

    Args:
        source_map: (B, C, h, w) features.
        target_map: (B, C, h2, w2) features.
        queries: (B, N, 2) positions in source cells.
        l2_normalize: use cosine similarities, v / (||v|| + 1e-6), not dot products.

    Returns:
        (B, N, h2, w2) correlations, float32 (float64 for float64 maps).

    Raises:
        SD4MatchError: shapes that do not fit together.
    """
    source, target, queries = _checked(source_map, target_map, queries)
    descriptors = _blend(*_corners(source, queries))
    lengths = None
    if l2_normalize:
        lengths = _lengths(target)
        descriptors = descriptors / vector_norm(descriptors, dim=-1)
    return _correlated(descriptors, target, lengths)


def _correlated(descriptors: Tensor, target: Tensor, lengths: Tensor | None) -> Tensor:
    """(B, M, C), (B, C, h, w) and (B, 1, hw) -> (B, M, h, w)."""
    rows = descriptors @ target.flatten(2)
    if lengths is not None:
        rows /= lengths  # of the result: it is smaller than the map
    return rows.view(*rows.shape[:2], *target.shape[-2:])


def _lengths(target: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, 1, hw), the divisor of each cell's L2 normalization."""
    return vector_norm(target.flatten(2), dim=1)


def _corners(source: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
    """Descriptors (B, N, 4, C) of the cells around each query, and their weights (B, N, 4, 1)."""
    x, u = _neighbours(queries[..., 0], source.shape[-1])
    y, v = _neighbours(queries[..., 1], source.shape[-2])
    index = (y.unsqueeze(-1) * source.shape[-1] + x.unsqueeze(-2)).flatten(1)
    # Indexing, unlike gather and grid_sample, has a deterministic backward on CUDA.
    batch = torch.arange(len(source), device=source.device).unsqueeze(-1)
    descriptors = source.flatten(2)[batch, :, index].view(*queries.shape[:2], 4, source.shape[1])
    return descriptors, (v.unsqueeze(-1) * u.unsqueeze(-2)).flatten(2).unsqueeze(-1)


def _neighbours(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cells below and above (B, N) positions on an axis, and their weights: (B, N, 2) each."""
    positions = torch.nan_to_num(positions).clamp(0, size - 1)
    low = positions.detach().floor().clamp_max(max(size - 2, 0))
    cells = torch.stack([low, low + 1], dim=-1).long().clamp_max(size - 1)
    far = positions - low
    return cells, torch.stack([1 - far, far], dim=-1)


def _blend(values: Tensor, weights: Tensor) -> Tensor:
    """(B, N, 4, D) weighted by (B, N, 4, 1) -> (B, N, D)."""
    return (values * weights).sum(2)


def vector_norm(vectors: Tensor, *, dim: int) -> Tensor:
    """Return the divisor of L2 normalization: ||v|| + 1e-6 (docs/explanation/method.md section 3).

    Its gradient at 0 is finite, and on a CPU it is five times as fast as torch's norm.

    Args:
        vectors: a tensor of any shape.
        dim: the dimension of the vectors' components.

    Returns:
        The lengths; ``dim`` has size 1.
    """
    # Pieces of some channels fit a CPU's cache; a GPU is faster with few kernels.
    piece = _CHANNELS if vectors.device.type == "cpu" else vectors.shape[dim]
    parts = vectors.split(piece, dim)
    # New memory for each piece can cost five times as much as its squares. Gradients need it.
    space = None if vectors.requires_grad else torch.empty_like(parts[0])
    squares = [
        torch.square(
            part, out=space if space is None else space.narrow(dim, 0, part.shape[dim])
        ).sum(dim, keepdim=True)
        for part in parts
    ]
    return torch.stack(squares).sum(0).clamp_min(1e-24).sqrt() + 1e-6


def _checked(source: Tensor, target: Tensor, queries: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three tensors in one dtype of at least float32."""
    fits = source.ndim == target.ndim == 4 and source.shape[:2] == target.shape[:2]
    if not fits or 0 in (*source.shape[1:], *target.shape[2:]):
        raise SD4MatchError(
            f"feature maps have shapes {tuple(source.shape)} and {tuple(target.shape)}: "
            "expected (B, C, h, w) and (B, C, h2, w2)"
        )
    if queries.ndim != 3 or queries.shape[0] != len(source) or queries.shape[2] != 2:
        raise SD4MatchError(
            f"queries have shape {tuple(queries.shape)}: expected ({len(source)}, N, 2)"
        )
    dtype = torch.promote_types(torch.promote_types(source.dtype, target.dtype), torch.float32)
    return source.to(dtype), target.to(dtype), queries.to(dtype)
