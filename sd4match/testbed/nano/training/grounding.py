"""The grounding losses, which make features depend on the prompt.

At this size, denoising alone learns textures and hardly uses its prompt. Two terms change that:

- **Attention**: a place of a named landmark attends to the landmark's words, every other place
  attends to none of them.
- **Matching**: correlated with another image of its category, a landmark's feature peaks at the
  same landmark: sharply if the prompt names it, roughly if the prompt names only the category, and
  hardly if it names neither.
"""

from typing import Any, NamedTuple

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from sd4match.matching.correlation import correlate


class Widths(NamedTuple):
    """Width of the peak for a landmark, as a fraction of the map.

    Attributes:
        named: if the prompt names it.
        known: if the prompt names its category.
        unknown: if the prompt names neither.
    """

    named: float
    known: float
    unknown: float


TEMPERATURE = 0.04
_LEAST = 0.6  # cells; a narrower peak would fall between them


class WatchedAttention:
    """Cross-attention that keeps its probabilities, (B, places, tokens), averaged over heads."""

    def __init__(self) -> None:
        self.seen = torch.empty(0)

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        prompt = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            attn.head_to_batch_dim(project(states))
            for project, states in (
                (attn.to_q, hidden_states),
                (attn.to_k, prompt),
                (attn.to_v, prompt),
            )
        )
        weights = attn.get_attention_scores(query, key)
        self.seen = weights.float().unflatten(0, (len(hidden_states), attn.heads)).mean(1)
        mixed: Tensor = attn.to_out[0](attn.batch_to_head_dim(weights @ value))
        return mixed


def watch(unet: UNet2DConditionModel) -> list[WatchedAttention]:
    """Record a UNet's cross-attention, except in the middle block, whose cells are too large.

    Args:
        unet: the UNet; its processors of cross-attention are replaced.

    Returns:
        The new processors, which hold the attention of the last forward pass.
    """
    processors = dict(unet.attn_processors)
    watchers = []
    for name in processors:
        if ".attn2." in name and not name.startswith("mid"):
            processors[name] = WatchedAttention()
            watchers.append(processors[name])
    unet.set_attn_processor(processors)
    return watchers


def attention_loss(seen: Tensor, regions: Tensor, owners: Tensor) -> Tensor:
    """Compare the attention to the prompt's words with the places of their landmarks.

    Args:
        seen: (B, h*h, T) attention probabilities.
        regions: (B, 32, 32) uint8: 0 outside the object, else 1 + a landmark's id.
        owners: (B, T): the landmark that a token names, from ``Speller.spell``.

    Returns:
        (B,): mean over places of the cross-entropy.
    """
    side = int(seen.shape[1] ** 0.5)
    step = regions.shape[-1] // side
    places = regions[:, step // 2 :: step, step // 2 :: step].flatten(1).long()
    tokens = owners.long()
    # (B, places, T): the words of the landmark that the place belongs to.
    mine = (places[:, :, None] == tokens[:, None]) & (places > 0)[:, :, None]
    right = (seen * mine).sum(-1)
    wrong = (seen * ((tokens > 0)[:, None] & ~mine)).sum(-1)
    # A place whose landmark is named should attend to nothing else; another one to no name.
    chance = torch.where(mine.any(-1), right, 1 - wrong)
    return -(chance.clamp_min(1e-4).log()).mean(-1)


def matching_loss(
    source: Tensor,
    target: Tensor,
    source_points: Tensor,
    target_points: Tensor,
    shared: Tensor,
    width: Tensor,
) -> Tensor:
    """Compare a landmark's correlation map with a peak at the landmark in the other image.

    Args:
        source, target: (B, C, h, w) features.
        source_points, target_points: (B, L, 2) positions as fractions of the image's sides.
        shared: (B, L) bool: landmarks seen in both.
        width: (B, L) widths of the peaks, as fractions of the map.

    Returns:
        (B,): mean over shared landmarks of the divergence of the softmax from the peak.
    """
    h, w = target.shape[-2:]
    cells = torch.tensor([w - 1, h - 1], device=source.device)
    logits = correlate(source, target, source_points * cells).flatten(2) / TEMPERATURE
    peak = _peak(target_points * cells, (width * (w - 1)).clamp_min(_LEAST), h, w)
    log_p = logits.log_softmax(-1)
    each = (peak * (peak.clamp_min(1e-9).log() - log_p)).sum(-1)
    each = each.masked_fill(~shared, 0.0)
    return each.sum(1) / shared.sum(1).clamp_min(1)


def _peak(centre: Tensor, sigma: Tensor, h: int, w: int) -> Tensor:
    """(B, L, h*w) Gaussians on the map, each adding up to 1."""
    x, y = (torch.arange(n, device=centre.device, dtype=centre.dtype) for n in (w, h))
    dx = (x - centre[..., :1]) / sigma[..., None]
    dy = (y - centre[..., 1:]) / sigma[..., None]
    square = dx.square()[..., None, :] + dy.square()[..., :, None]
    return (-0.5 * square).flatten(2).softmax(-1)
