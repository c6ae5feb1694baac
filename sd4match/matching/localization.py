"""Localization: reading target positions from correlation maps, and matching in one call.

Positions are (x, y) in feature cells of corner-aligned maps: cell (0, 0) is the first, (w-1, h-1)
the last. docs/explanation/method.md section 1, items 4 and 5; kernel-softmax is from SFNet (arXiv
1904.01810).
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from sd4match.errors import SD4MatchError
from sd4match.matching.correlation import (
    _blend,
    _checked,
    _corners,
    _correlated,
    _lengths,
    vector_norm,
)
from sd4match.matching.dense import match_dense
from sd4match.matching.readout import DENSE, Readout

_CHUNK = 2**20  # elements of probability maps in memory at once, for any number of readouts


def localize(
    correlation: Tensor,
    *,
    localizer: str = "kernel_softmax",
    kernel_sigma: float | Sequence[float] = 7.0,
    temperature: float = 0.04,
) -> Tensor:
    """Read target positions from correlation maps.

    Args:
        correlation: (B, N, h, w).
        localizer, kernel_sigma, temperature: see `Readout`; several widths may be given.

    Returns:
        (B, N, 2) positions in target cells; (K, B, N, 2) for a sequence of K widths. Differentiable
        for the softmaxes.

    Raises:
        SD4MatchError: an invalid setting, a wrong shape, or "bilinear" or "dense", which
            need `match`.
    """
    if localizer in ("bilinear", DENSE):
        raise SD4MatchError(f"localizer {localizer!r} needs the feature maps: call match(...)")
    if correlation.ndim != 4 or 0 in correlation.shape[2:]:
        raise SD4MatchError(
            f"correlation has shape {tuple(correlation.shape)}: expected (B, N, h, w)"
        )
    readouts, several = _readouts(localizer, kernel_sigma, temperature)
    answers = _read(correlation.to(torch.promote_types(correlation.dtype, torch.float32)), readouts)
    return answers if several else answers[0]


def match(
    source_map: Tensor,
    target_map: Tensor,
    queries: Tensor,
    *,
    localizer: str = "kernel_softmax",
    kernel_sigma: float | Sequence[float] = 7.0,
    temperature: float = 0.04,
    l2_normalize: bool = True,
    size: tuple[int, int] | None = None,
) -> Tensor:
    """Find the queries in the target, by any localizer.

    Args:
        source_map, target_map, queries, l2_normalize: see `correlate`.
        localizer, kernel_sigma, temperature: see `Readout`; several widths may be given.
        size: for "dense" alone, which needs it: height and width of the target images, pixels.

    Returns:
        (B, N, 2) positions in target cells; (K, B, N, 2) for a sequence of K widths. "dense" gives
        pixels of the target images, and its cells have half-pixel centers: see `dense.match_dense`.

    Raises:
        SD4MatchError: an invalid setting, "dense" without a size, or shapes that do not fit.

    Example:
        >>> one = torch.eye(4).reshape(1, 4, 2, 2)  # every cell has its own descriptor
        >>> match(one, one, torch.tensor([[[1.0, 0.0]]]), localizer="nearest")
        tensor([[[1., 0.]]])
    """
    readouts, several = _readouts(localizer, kernel_sigma, temperature, l2_normalize)
    if localizer == DENSE:
        found = match_dense(source_map, target_map, queries, size=size, l2_normalize=l2_normalize)
        answers = found.expand(len(readouts), *found.shape)
    else:
        answers = match_many(source_map, target_map, queries, readouts)
    return answers if several else answers[0]


def match_many(
    source_map: Tensor, target_map: Tensor, queries: Tensor, readouts: Sequence[Readout]
) -> Tensor:
    """Read one correlation in many ways: a further readout costs little.

    "bilinear" also correlates the four cells around each query. No readout changes a bit of
    another.

    Args:
        source_map, target_map, queries: see `correlate`.
        readouts: R readouts. Those with and without ``l2_normalize`` have a correlation each.

    Returns:
        (R, B, N, 2) positions in target cells, in the order of ``readouts``.

    Raises:
        SD4MatchError: no readout, shapes that do not fit together, or "dense", which needs `match`.
    """
    if not readouts:
        raise SD4MatchError("match_many needs at least one readout, such as [Readout()]")
    if any(readout.localizer == DENSE for readout in readouts):
        raise SD4MatchError("localizer 'dense' answers in pixels: call match(..., size=...)")
    found = {
        cosine: iter(_match_alike(source_map, target_map, queries, own, cosine))
        for cosine in (True, False)
        if (own := [readout for readout in readouts if readout.l2_normalize is cosine])
    }
    return torch.stack([next(found[readout.l2_normalize]) for readout in readouts])


def _match_alike(
    source_map: Tensor,
    target_map: Tensor,
    queries: Tensor,
    readouts: Sequence[Readout],
    l2_normalize: bool,
) -> Tensor:
    """As `match_many`, for readouts of one correlation."""
    source, target, queries = _checked(source_map, target_map, queries)
    corners, weights = _corners(source, queries)
    lengths = _lengths(target) if l2_normalize else None
    others = [readout for readout in readouts if readout.localizer != "bilinear"]
    answers: Iterator[Tensor] = iter(())
    if others:
        descriptors = _blend(corners, weights)
        if l2_normalize:
            descriptors = descriptors / vector_norm(descriptors, dim=-1)
        answers = iter(_read(_correlated(descriptors, target, lengths), others))
    if len(others) < len(readouts):
        # A product of its own: the bits of a row depend on the number of rows beside it. An
        # arg-max does not depend on the corner's own length: only the target is normalized.
        found = _peaks(_correlated(corners.flatten(1, 2), target, lengths))
        bilinear = _blend(found.unflatten(1, (-1, 4)), weights)
    return torch.stack([bilinear if r.localizer == "bilinear" else next(answers) for r in readouts])


def _read(correlation: Tensor, readouts: Sequence[Readout]) -> Tensor:
    """(B, N, h, w) -> (R, B, N, 2), for readouts other than "bilinear"."""
    peak = _peaks(correlation)
    soft = [readout for readout in readouts if readout.localizer != "nearest"]
    expected = iter(_expectations(correlation, peak, soft) if soft else ())
    return torch.stack([peak if r.localizer == "nearest" else next(expected) for r in readouts])


def _expectations(correlation: Tensor, peak: Tensor, readouts: Sequence[Readout]) -> Tensor:
    """(R, B, N, 2); a plain softmax is a Gaussian of infinite width."""
    h, w = correlation.shape[-2:]
    x, y = (torch.arange(n, dtype=peak.dtype, device=peak.device) for n in (w, h))
    offsets = torch.cat([y - peak[..., 1:], x - peak[..., :1]], dim=-1).square()
    numbers = [
        (0.5 / r.kernel_sigma**2 if r.kernel_sigma else 0.0, 1 / (r.temperature or 1.0))
        for r in readouts
    ]
    # A blocking copy would make the host wait for all work of the device.
    factors = torch.tensor(numbers, dtype=peak.dtype).to(peak.device, non_blocking=True)
    decay, scale = factors.T.reshape(2, -1, 1, 1, 1)
    # The Gaussian is a factor of the row times a factor of the column: no h x w exponentials.
    # Below e^-40 it changes nothing, and exponentials that underflow take ten times as long.
    gaussian = (offsets * -decay).clamp_min(-40).exp()
    rows = (gaussian[..., :h] * scale).unsqueeze(-1)
    columns = gaussian[..., h:].unsqueeze(-2)
    answers = []
    size = max(1, _CHUNK // max(1, correlation.numel()))
    for row, column in zip(torch.split(rows, size), torch.split(columns, size), strict=True):
        logits = (correlation * row).mul_(column)
        p = logits.flatten(-2).softmax(-1).view_as(logits)
        # No matrix product: its order of additions would depend on the number of rows.
        expected = [(p.sum(-2) * x).sum(-1), (p.sum(-1) * y).sum(-1)]
        answers.append(torch.stack(expected, dim=-1))
    return torch.cat(answers)


def _peaks(correlation: Tensor) -> Tensor:
    """(B, M, h, w) -> (B, M, 2) position of the first largest value, in the correlation's dtype."""
    index, width = correlation.flatten(2).argmax(-1), correlation.shape[-1]
    return torch.stack([index % width, index // width], dim=-1).to(correlation.dtype)


def _readouts(
    localizer: str,
    kernel_sigma: float | Iterable[float],
    temperature: float,
    l2_normalize: bool = True,
) -> tuple[list[Readout], bool]:
    """The readouts of one `localize` or `match` call, and whether several widths were given."""
    if not isinstance(kernel_sigma, Iterable):
        return [Readout(localizer, kernel_sigma, temperature, l2_normalize)], False
    readouts = [Readout(localizer, sigma, temperature, l2_normalize) for sigma in kernel_sigma]
    if not readouts:
        raise SD4MatchError("kernel_sigma is empty: give one width or more")
    return readouts, True
