"""The layout of upstream's prompt files: names of settings and tensors, frames of tokens.

Facts of METHOD.md section 6; ``upstream_import`` and ``upstream_export`` read and write it.
"""

import torch
from torch import Tensor

from sd4match.backbones import Backbone
from sd4match.backbones.text import embed_ids
from sd4match.prompts.base import Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.per_class import ClassHiddenPrompt, ClassPrompt
from sd4match.prompts.single import SingleHiddenPrompt, SinglePrompt

DATASET = "dataset"
"""What a single prompt's only sequence is called."""

HIDDEN = "HiddenState"
"""The setting of learned hidden states."""

SAME = 1e-2
"""Rows are equal when they differ by less than this share: any dtype's rounding is far below."""


def token_setting(length: int) -> str:
    """Upstream's name of a setting with N learned tokens.

    Args:
        length: N.

    Returns:
        Such as "TokenEmbeds75".
    """
    return f"TokenEmbeds{length}"


def setting_of(prompt: Prompt) -> str | None:
    """Upstream's name of a prompt's setting: the end of the name of the folder it is in.

    Args:
        prompt: of any family.

    Returns:
        Such as "TokenEmbeds75", "HiddenState" or "Pair-DINO-Feat-G25-C50"; None for the families
        that upstream does not have.
    """
    if isinstance(prompt, ConditionalPrompt):
        return "{source}-G{global_length}-C{content_length}".format(**prompt.config())
    if isinstance(prompt, (SingleHiddenPrompt, ClassHiddenPrompt)):
        return HIDDEN
    if isinstance(prompt, (SinglePrompt, ClassPrompt)) and prompt.length:
        return token_setting(prompt.length)
    return None


def tensor_names(prompt: ConditionalPrompt) -> dict[str, str]:
    """Pair the names of a cpm prompt's tensors with those in upstream's ``ckpt.pt``.

    Args:
        prompt: with any setting.

    Returns:
        Ours -> theirs. Those of tokens, the ones without a dot, have a leading axis of 1 there.
    """
    channels = "linear" if prompt.mix_patches is None else "linear_C"
    names = {"global_tokens": "global_embeds"} if len(prompt.global_tokens) else {}
    names |= {"positions": "positional_embedding", "gate": "alpha_cond"}
    names |= {f"mix_channels.{part}": f"{channels}.{part}" for part in ("weight", "bias")}
    if prompt.mix_patches is not None:
        names |= {f"mix_patches.{part}": f"linear_N.{part}" for part in ("weight", "bias")}
    return names


def put_in_frame(tokens: Tensor, backbone: Backbone) -> Tensor:
    """Write learned tokens as the whole output of the embedding layer, as ``caption.pt`` has it.

    Args:
        tokens: (N, D) learned tokens.
        backbone: the pipeline they are for.

    Returns:
        (77, D) float32: BOS, the tokens, EOS, then token 0.
    """
    blank, ends = _frame(backbone)
    after = len(tokens) + 1
    return torch.cat([blank[:1], tokens.to(blank), ends[after : after + 1], blank[after + 1 :]])


def length_in_frame(rows: Tensor, backbone: Backbone) -> int | None:
    """Count the learned tokens in the whole output of an embedding layer.

    Args:
        rows: (77, D).
        backbone: whose BOS, EOS and token 0 are looked for, each at its position.

    Returns:
        N, at least 1; None when the rows are not framed by this text encoder's.
    """
    padded, ended = (
        ((rows.to(frame) - frame).norm(dim=1) < SAME * frame.norm(dim=1)).tolist()
        for frame in _frame(backbone)
    )
    fits = (
        n for n in range(1, len(rows) - 1) if padded[0] and ended[n + 1] and all(padded[n + 2 :])
    )
    return next(fits, None)


@torch.no_grad()
def _frame(backbone: Backbone) -> tuple[Tensor, Tensor]:
    """(77, D) float32 each: BOS and then token 0; EOS at every position."""
    ids = torch.zeros(2, backbone.max_tokens, dtype=torch.int64)
    ids[0, 0] = backbone.tokenizer.bos_token_id
    ids[1] = backbone.tokenizer.eos_token_id
    blank, ends = embed_ids(backbone, ids).float()
    return blank, ends
