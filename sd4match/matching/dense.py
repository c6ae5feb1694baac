"""Dense matching: the most similar pixel of the target image, by features at every pixel.

DIFT's own evaluation (arXiv 2306.03881; docs/explanation/method.md section 9): both maps are
upsampled bilinearly to their images, and a query's pixel is compared with all pixels of the target.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from sd4match.errors import SD4MatchError
from sd4match.matching.correlation import _blend, _checked, _corners, _neighbours

_CHUNK = 2**17  # similarities in memory at once, for any size of the image
_CHANNELS = 128  # pieces of some channels fit a CPU's cache


def match_dense(
    source_map: Tensor,
    target_map: Tensor,
    queries: Tensor,
    *,
    size: tuple[int, int] | None,
    l2_normalize: bool = True,
) -> Tensor:
    """Find the pixel of the target image whose upsampled features are the most similar.

    No map is upsampled. Interpolation is linear: the correlations of a pixel are the interpolated
    correlations of its four cells, and its length follows from the ten products of these cells with
    each other. Both are exact, and independent of the number of channels.

    Cells have half-pixel centers (``align_corners=False``): pixel i of W lies at cell
    (i + 0.5)·w/W - 0.5, and pixels beyond the outer centers have the features of the border cell.
    Convert source pixels to ``queries`` by the same rule (`keypoints.pixels_to_centered_cells`).

    Args:
        source_map: (B, C, h, w) features.
        target_map: (B, C, h2, w2) features.
        queries: (B, N, 2) positions in source cells.
        size: height and width of the target images, pixels.
        l2_normalize: compare by cosine similarity, not by dot product.

    Returns:
        (B, N, 2) positions (x, y) in pixels of the target image, whole numbers from 0; of equally
        similar pixels the first, row by row.

    Raises:
        SD4MatchError: no size, or shapes that do not fit together.
    """
    if size is None or len(size) != 2 or min(size) < 1:
        raise SD4MatchError(
            f"localizer 'dense' needs size=(height, width) of the target image, not {size}"
        )
    source, target, queries = _checked(source_map, target_map, queries)
    descriptors = _blend(*_corners(source, queries))
    cells = (descriptors @ target.flatten(2)).view(*queries.shape[:2], *target.shape[-2:])
    y, x = (_axis(n, of, target) for n, of in zip(size, target.shape[-2:], strict=True))
    scale = _scale(target, y, x) if l2_normalize else None
    found = [_best(part, y, x, scale) for part in _queries(cells, size[1])]
    return torch.cat(found, dim=1) if found else queries.new_zeros(*queries.shape)


_Axis = tuple[Tensor, Tensor, Tensor]
"""For each pixel along a side: the cells before and after it, and the weight of the latter."""


def _axis(pixels: int, cells: int, like: Tensor) -> _Axis:
    # On the CPU: not every device has float64. Copies that block would stall a GPU.
    centers = torch.arange(pixels, dtype=torch.float64) + 0.5
    near, weights = _neighbours(centers * (cells / pixels) - 0.5, cells)
    near = near.to(like.device, non_blocking=True)
    return near[:, 0], near[:, 1], weights[:, 1].to(like.device, like.dtype, non_blocking=True)


def _queries(cells: Tensor, width: int) -> tuple[Tensor, ...]:
    """(B, N, h, w) in parts of some queries, so that a part with all columns stays small."""
    b, n, h, _ = cells.shape
    return cells.split(max(1, _CHUNK // max(1, b * h * width)), dim=1) if n else ()


def _best(cells: Tensor, y: _Axis, x: _Axis, scale: Tensor | None) -> Tensor:
    """(B, n, h, w) correlations and (B, H, W) factors -> (B, n, 2) the best pixels."""
    columns = _between(cells, x, dim=-1)
    rows = max(1, _CHUNK // max(1, columns[:, :, 0].numel()))
    peaks = []
    for start in range(0, len(y[0]), rows):
        own = slice(start, start + rows)
        low, high, weight = (part[own] for part in y)
        values = _between(columns, (low, high, weight), dim=-2)
        if scale is not None:
            values *= scale[:, None, own]
        peaks.append(values.amax(-1))
    # An arg-max takes three times as long as a maximum: only the best row has one.
    row = torch.cat(peaks, dim=-1).argmax(-1)
    low, high, weight = (part[row] for part in y)
    batch, query = (torch.arange(n, device=row.device) for n in row.shape)
    at = batch.unsqueeze(-1), query
    values = torch.lerp(columns[*at, low], columns[*at, high], weight.unsqueeze(-1))
    if scale is not None:
        values *= scale[at[0], row]
    return torch.stack([values.argmax(-1), row], dim=-1).to(cells.dtype)


def _between(values: Tensor, axis: _Axis, *, dim: int) -> Tensor:
    """Interpolate along a dimension; equal cells give exactly equal pixels."""
    low, high, weight = axis
    if dim == -2:
        weight = weight.unsqueeze(-1)
    return torch.lerp(values.index_select(dim, low), values.index_select(dim, high), weight)


def _scale(target: Tensor, y: _Axis, x: _Axis) -> Tensor:
    """(B, C, h, w) -> (B, H, W), one through the length of each pixel's interpolated vector."""
    w = target.shape[-1]
    own, beside, down = (_products(target, 0, shift) for shift in (0, 1, w))
    across = _products(target, 0, w + 1) + _products(target, 1, w)
    # A pixel's vector is a sum of two rows: their squares and their product.
    squares, products = _along_x(own, 2 * beside, x), _along_x(down, across, x)
    low, high, weight = y
    above, below = squares[:, low], squares[:, high]
    squared = _quadratic(above, 2 * products[:, low], below, weight.unsqueeze(-1))
    return 1 / (squared.clamp_min_(0).sqrt_() + 1e-6)


def _along_x(square: Tensor, mixed: Tensor, x: _Axis) -> Tensor:
    """(B, h, w) twice -> (B, h, W)."""
    low, high, weight = x
    return _quadratic(square[..., low], mixed[..., low], square[..., high], weight)


def _quadratic(one: Tensor, mixed: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """(1 - t)² one + t(1 - t) mixed + t² other, exactly ``one`` where all vectors are equal."""
    return one + weight * ((mixed - 2 * one) + weight * (one - mixed + other))


def _products(target: Tensor, first: int, second: int) -> Tensor:
    """(B, h, w) dot products of two cells, each so many cells after the one of that position.

    Where they are on other sides of the map's border, interpolation gives the product no weight.
    """
    cells = target.flatten(2)
    known = max(0, cells.shape[-1] - max(first, second))
    piece = _CHANNELS if cells.device.type == "cpu" else cells.shape[1]
    parts = [
        (part[..., first : first + known] * part[..., second : second + known]).sum(1)
        for part in cells.split(piece, 1)
    ]
    found = torch.stack(parts).sum(0)
    return pad(found, (0, cells.shape[-1] - known)).view(-1, *target.shape[-2:])
