"""Upstream's prompt files: where they are, and reading them without running what is in them."""

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sd4match.errors import SD4MatchError
from sd4match.prompts.cpm import SOURCES
from sd4match.prompts.upstream import HIDDEN

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
