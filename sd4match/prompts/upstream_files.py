"""Prompt files of the original SD4Match code ("upstream"): finding, reading, and their layout.

The layout is the names of settings and tensors, and the frame around learned tokens
(docs/explanation/method.md section 6). ``upstream_import`` and ``upstream_export`` use it.
"""

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.backbones.text import embed_ids
from sd4match.errors import SD4MatchError
from sd4match.prompts.base import Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.family_facts import SOURCES
from sd4match.prompts.learned import (
    ClassHiddenPrompt,
    ClassPrompt,
    SingleHiddenPrompt,
    SinglePrompt,
)

DATASET = "dataset"
"""Name of the only sequence of a single prompt."""

HIDDEN = "HiddenState"
"""Name of the setting with learned hidden states."""

SAME = 1e-2
"""Largest relative difference of equal rows; the rounding of any dtype is far below."""

_FOLDER = re.compile(
    r"((Single|Class|CPM)_(?P<data>.+)_sd[^_]+_)?"
    rf"(?P<setting>TokenEmbeds\d+|{HIDDEN}|({'|'.join(SOURCES)})-G\d+-C\d+)"
)


@dataclass(frozen=True)
class UpstreamFile:
    """A file of upstream, and the information in its folder's name.

    Attributes:
        path: the file.
        setting: such as "TokenEmbeds75", "HiddenState", "Pair-DINO-Feat-G25-C50"; None if unknown.
        training: for our file's header: the folder's name, and the data set if it names one.
    """

    path: Path
    setting: str | None
    training: Mapping[str, str]


def find_upstream(path: str | os.PathLike[str], *, setting: str | None = None) -> UpstreamFile:
    """Find a file of upstream.

    Args:
        path: a ``caption.pt`` or ``ckpt.pt``, or the folder with one of them.
        setting: the setting, instead of the one in the folder's name.

    Returns:
        The file.

    Raises:
        SD4MatchError: not exactly one file, or no such setting.
    """
    given = Path(path)
    files = [given / name for name in ("caption.pt", "ckpt.pt")] if given.is_dir() else [given]
    found = [file for file in files if file.is_file()]
    if len(found) != 1:
        raise SD4MatchError(
            f"{given}: {len(found)} prompt files of upstream: name one caption.pt or ckpt.pt"
        )
    folder = found[0].resolve().parent.name
    parts = _FOLDER.fullmatch(folder)
    if setting is not None and not _FOLDER.fullmatch(setting):
        raise SD4MatchError(
            f"unknown setting {setting!r} of upstream: write it like TokenEmbeds75, {HIDDEN} or "
            "Pair-DINO-Feat-G25-C50"
        )
    named = _FOLDER.fullmatch(setting) if setting else parts
    data = {"data": parts["data"]} if parts and parts["data"] else {}
    return UpstreamFile(found[0], named and named["setting"], {"imported": folder, **data})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a table of tensors that ``torch.save`` wrote, without running any code in it.

    Args:
        path: the file.

    Returns:
        Name -> tensor, as float32 on the CPU.

    Raises:
        SD4MatchError: a damaged file, one with anything but floating-point tensors, or values that
            are not finite.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles: the errors below say more
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, with long texts
        raise SD4MatchError(
            f"{path}: not a complete file of tensors only ({type(error).__name__}); nothing else "
            "is opened: fetch it again"
        ) from error
    entries = content.items() if isinstance(content, dict) else ()
    if not entries or not all(
        isinstance(name, str) and _is_plain(value) for name, value in entries
    ):
        raise SD4MatchError(
            f"{path}: not a table of tensors: give upstream's caption.pt or ckpt.pt"
        )
    for name, value in entries:
        if not value.isfinite().all():
            raise SD4MatchError(f"{path}: {name} is not finite everywhere: its tuning failed")
    return {name: value.detach().float() for name, value in entries}


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and value.is_floating_point()
        and value.ndim > 0
    )


def token_setting(length: int) -> str:
    """Return upstream's name of a setting with N learned tokens.

    Args:
        length: N.

    Returns:
        A name such as "TokenEmbeds75".
    """
    return f"TokenEmbeds{length}"


def setting_of(prompt: Prompt) -> str | None:
    """Return upstream's name of a prompt's setting, the end of its folder's name.

    Args:
        prompt: a prompt of any family.

    Returns:
        A name such as "TokenEmbeds75", "HiddenState" or "Pair-DINO-Feat-G25-C50"; None for
        families that upstream does not have.
    """
    if isinstance(prompt, ConditionalPrompt):
        return "{source}-G{global_length}-C{content_length}".format(**prompt.config())
    if isinstance(prompt, (SingleHiddenPrompt, ClassHiddenPrompt)):
        return HIDDEN
    if isinstance(prompt, (SinglePrompt, ClassPrompt)) and prompt.length:
        return token_setting(prompt.length)
    return None


def tensor_names(prompt: ConditionalPrompt) -> dict[str, str]:
    """Return the names of a cpm prompt's tensors in upstream's ``ckpt.pt``.

    Args:
        prompt: a cpm prompt.

    Returns:
        Our name -> upstream's. Tokens, whose names have no dot, have a leading axis of 1 there.
    """
    channels = "linear" if prompt.mix_patches is None else "linear_C"
    names = {"global_tokens": "global_embeds"} if len(prompt.global_tokens) else {}
    names |= {"positions": "positional_embedding", "gate": "alpha_cond"}
    names |= {f"mix_channels.{part}": f"{channels}.{part}" for part in ("weight", "bias")}
    if prompt.mix_patches is not None:
        names |= {f"mix_patches.{part}": f"linear_N.{part}" for part in ("weight", "bias")}
    return names


def put_in_frame(tokens: Tensor, backbone: Backbone) -> Tensor:
    """Build the full output of the embedding layer around learned tokens, as in ``caption.pt``.

    Args:
        tokens: (N, D) learned tokens.
        backbone: the pipeline of the tokens.

    Returns:
        (77, D) float32: BOS, the tokens, EOS, then token 0.
    """
    blank, ends = _frame(backbone)
    after = len(tokens) + 1
    return torch.cat([blank[:1], tokens.to(blank), ends[after : after + 1], blank[after + 1 :]])


def length_in_frame(rows: Tensor, backbone: Backbone) -> int | None:
    """Count the learned tokens in the full output of an embedding layer.

    Args:
        rows: (77, D) output of the embedding layer.
        backbone: the pipeline with the BOS, EOS and token 0 of the frame.

    Returns:
        N, at least 1; None if the rows do not have this text encoder's frame.
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
