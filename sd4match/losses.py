"""The loss of tuning: cross-entropy between the correlation and a small Gaussian."""

import torch
from torch import Tensor

from sd4match.errors import SD4MatchError
from sd4match.matching.correlation import correlate
from sd4match.matching.readout import positive


def gaussian_cross_entropy(
    source_map: Tensor,
    target_map: Tensor,
    source_keypoints: Tensor,
    target_keypoints: Tensor,
    n_keypoints: Tensor,
    *,
    source_hw: tuple[int, int],
    target_hw: tuple[int, int],
    temperature: float = 0.04,
    kernel_size: int = 7,
    l2_normalize: bool = True,
) -> Tensor:
    """Compute the cross-entropy of the matching probabilities and Gaussians at the true positions.

    p = softmax(correlation / temperature) is sampled bilinearly at the true position plus each
    integer offset r of a k x k window; the loss is -sum w(r) log p with
    w = exp(-|r|^2 / 2 s^2) / (2 pi s^2), s = (k // 2) / 2, not renormalized. Samples on or outside
    the map's border do not count. docs/explanation/method.md section 1, item 6.

    Args:
        source_map: (B, C, h, w) features.
        target_map: (B, C, h2, w2) features.
        source_keypoints: (B, N, 2) positions (x, y) in pixels of images of size ``source_hw``.
        target_keypoints: (B, N, 2) positions in pixels of images of size ``target_hw``.
        n_keypoints: (B,) number of keypoints of each pair: its first rows. The other rows are
            padding with any value.
        source_hw, target_hw: (H, W) of the images, whose corner pixels are the maps' corner cells.
        temperature: divisor of the correlations before the softmax.
        kernel_size: k, side of the window in cells; odd, at least 3.
        l2_normalize: use cosine similarities, not dot products.

    Returns:
        A scalar: the mean over each pair's keypoints, then over the pairs with keypoints; 0, still
        with a graph, if no pair has any.

    Raises:
        SD4MatchError: an invalid setting, or shapes that do not fit together.
    """
    _check(source_keypoints, target_keypoints, n_keypoints, kernel_size)
    temperature = positive("temperature", temperature)
    rows = torch.arange(source_keypoints.shape[1], device=n_keypoints.device)
    real = (rows < n_keypoints[:, None]).to(source_map.device)
    queries = _to_cells(source_keypoints, real, source_hw, source_map)
    truth = _to_cells(target_keypoints, real, target_hw, target_map)
    logits = correlate(source_map, target_map, queries, l2_normalize=l2_normalize) / temperature
    radius = kernel_size // 2
    log_p = _window(logits, truth, radius) - logits.flatten(2).logsumexp(-1)[..., None, None]
    x, y = (_weights(truth[..., i], radius, logits.shape[3 - i]) for i in (0, 1))
    each = -(log_p * y.unsqueeze(-1) * x.unsqueeze(-2)).sum((-2, -1))
    count = real.sum(1)
    per_pair = (each * real).sum(1) / count.clamp_min(1)
    return per_pair.sum() / (count > 0).sum().clamp_min(1)


def _window(logits: Tensor, centre: Tensor, radius: int) -> Tensor:
    """Log of the bilinearly sampled exp(logits), (B, N, k, k), around (B, N, 2) centers.

    All samples of a window lie at the same fraction of a cell, so (k + 1)^2 cells are enough.
    Sampling in the log domain keeps tiny probabilities from becoming log 0.
    """
    h, w = logits.shape[-2:]
    low = centre.floor()
    steps = torch.arange(-radius, radius + 2, device=logits.device)
    # Only masked samples use clamped cells, which keep them finite.
    x, y = ((low[..., i, None].long() + steps).clamp(0, n - 1) for i, n in ((0, w), (1, h)))
    index = (y.unsqueeze(-1) * w + x.unsqueeze(-2)).flatten(-2)
    cells = logits.flatten(2).gather(-1, index).view(*index.shape[:2], len(steps), len(steps))
    far = (centre - low).log()[..., None, None]
    near = (1 - (centre - low)).log()[..., None, None]
    lines = torch.logaddexp(cells[..., :-1] + near[:, :, 0], cells[..., 1:] + far[:, :, 0])
    return torch.logaddexp(lines[..., :-1, :] + near[:, :, 1], lines[..., 1:, :] + far[:, :, 1])


def _weights(centre: Tensor, radius: int, size: int) -> Tensor:
    """The factor of the Gaussian on one axis, (B, N, k); 0 for samples that do not count."""
    offsets = torch.arange(-radius, radius + 1, dtype=centre.dtype, device=centre.device)
    variance = (radius / 2) ** 2
    weights = torch.exp(-offsets.square() / (2 * variance)) / (2 * torch.pi * variance) ** 0.5
    samples = centre.unsqueeze(-1) + offsets
    return torch.where((samples > 0) & (samples < size - 1), weights, 0.0)


def _to_cells(keypoints: Tensor, real: Tensor, hw: tuple[int, int], features: Tensor) -> Tensor:
    """Pixels to cells of a corner-aligned map; padding becomes the first cell.

    In float64: float32 would round a keypoint that was clamped to just inside the border onto the
    border, where its window's center does not count. On the CPU: mps has no float64.
    """
    if len(hw) != 2 or min(hw) < 2:
        raise SD4MatchError(f"image size {tuple(hw)}: expected (H, W), both at least 2 pixels")
    dtype = torch.promote_types(features.dtype, torch.float32)
    last_cell = torch.tensor(features.shape[:-3:-1], dtype=torch.float64) - 1
    last_pixel = torch.tensor(hw[::-1], dtype=torch.float64) - 1
    cells = (keypoints.cpu() * (last_cell / last_pixel)).to(features.device, dtype)
    return cells.masked_fill(~real.unsqueeze(-1), 0)


def _check(source: Tensor, target: Tensor, n_keypoints: Tensor, kernel_size: int) -> None:
    if not isinstance(kernel_size, int) or kernel_size < 3 or kernel_size % 2 == 0:
        raise SD4MatchError(f"kernel_size is {kernel_size!r}: it must be odd and at least 3")
    shape = tuple(source.shape)
    if len(shape) != 3 or shape[2] != 2 or tuple(target.shape) != shape:
        raise SD4MatchError(
            f"keypoints have shapes {shape} and {tuple(target.shape)}: expected (B, N, 2) twice"
        )
    if tuple(n_keypoints.shape) != shape[:1]:
        raise SD4MatchError(
            f"n_keypoints has shape {tuple(n_keypoints.shape)}: expected ({shape[0]},)"
        )
