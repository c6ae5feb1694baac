"""Upstream's prompt files: where they are, and reading them without running what is in them."""

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
from sd4match.prompts.known import SOURCES
from sd4match.prompts.learned import (
    ClassHiddenPrompt,
    ClassPrompt,
    SingleHiddenPrompt,
    SinglePrompt,
)

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


_FOLDER = re.compile(
    r"((Single|Class|CPM)_(?P<data>.+)_sd[^_]+_)?"
    rf"(?P<setting>TokenEmbeds\d+|{HIDDEN}|({'|'.join(SOURCES)})-G\d+-C\d+)"
)


@dataclass(frozen=True)
class UpstreamFile:
    """A file of upstream's, and what its folder's name tells.

    Attributes:
        path: the file.
        setting: such as "TokenEmbeds75", "HiddenState", "Pair-DINO-Feat-G25-C50"; None if unknown.
        training: for our file's header: the folder's name, and the data set where it names one.
    """

    path: Path
    setting: str | None
    training: Mapping[str, str]


def find_upstream(path: str | os.PathLike[str], *, setting: str | None = None) -> UpstreamFile:
    """Look for a file of upstream's.

    Args:
        path: a ``caption.pt`` or ``ckpt.pt``, or the folder with one of them.
        setting: instead of what the folder's name says.

    Returns:
        The file.

    Raises:
        SD4MatchError: nothing there, or no such setting.
    """
    given = Path(path)
    files = [given / name for name in ("caption.pt", "ckpt.pt")] if given.is_dir() else [given]
    found = [file for file in files if file.is_file()]
    if len(found) != 1:
        raise SD4MatchError(
            f"{given}: {len(found)} prompt files of upstream: name one caption.pt or ckpt.pt"
        )
    folder = found[0].resolve().parent.name
    told = _FOLDER.fullmatch(folder)
    if setting is not None and not _FOLDER.fullmatch(setting):
        raise SD4MatchError(
            f"unknown setting {setting!r} of upstream's: write it like TokenEmbeds75, {HIDDEN} or "
            "Pair-DINO-Feat-G25-C50"
        )
    named = _FOLDER.fullmatch(setting) if setting else told
    data = {"data": told["data"]} if told and told["data"] else {}
    return UpstreamFile(found[0], named and named["setting"], {"imported": folder, **data})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read what ``torch.save`` wrote of a table of tensors; nothing that is in it is run.

    Args:
        path: the file.

    Returns:
        Its tensors by name, as float32 on the CPU.

    Raises:
        SD4MatchError: a broken file, one with anything but floating-point tensors, or values that
            are not finite.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles: what is wrong with them is said below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, with texts of many lines
        raise SD4MatchError(
            f"{path}: not a whole file of tensors alone ({type(error).__name__}), and nothing else "
            "is ever opened: fetch it again"
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
