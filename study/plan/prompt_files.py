"""Prompt files that a search space names: files of this project and of the original code."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sd4match import prompts
from sd4match.errors import SD4MatchError, require_known
from sd4match.prompts.family_facts import SOURCES, parse
from sd4match.prompts.header import read_header
from study.plan.inputs import ABSENT, PromptFile

if TYPE_CHECKING:  # they load torch
    from sd4match.backbones.loading import Backbone
    from sd4match.prompts.base import Prompt


def describe(path: str) -> PromptFile:
    """Describe a prompt file for a plan; the file may be missing.

    Args:
        path: a file, or a folder of the original SD4Match code.

    Raises:
        SD4MatchError: the file exists and is no prompt.
    """
    file = _resolved(path)
    if not file.exists():
        return PromptFile(str(file), f"{ABSENT}prompt file {path}")
    if file.suffix == ".safetensors":
        header = read_header(file)
        config: dict[str, Any] = header["config"]
        if config.get("source") is not None:
            require_known(config["source"], SOURCES, what="source", where=path)
        if not isinstance(config.get("categories", []), list):
            raise SD4MatchError(f"{path}: its categories are no list: tune or import it again")
        return PromptFile(
            str(file),
            _digest(file),
            header["backbone"]["fingerprint"],
            config.get("source"),
            tuple(config.get("categories", ())),
        )
    from sd4match.prompts.upstream_files import DATASET, find_upstream, read_tensors  # loads torch

    upstream = find_upstream(file)
    # The folder's name decides how a file of the original code is read.
    fingerprint = hashlib.sha256(f"{_digest(upstream.path)} {upstream.setting}".encode())
    setting = parse(upstream.setting or "")
    sequences = upstream.path.name == "caption.pt"
    if not sequences and setting is None:
        raise SD4MatchError(
            f"{path}: its folder's name does not say its setting: rename it, such as "
            "CPM_spair_sd2-1_Pair-DINO-Feat-G25-C50, or use `sd4match prompts import --setting`"
        )
    categories = sorted(read_tensors(upstream.path).keys() - {DATASET}) if sequences else ()
    return PromptFile(
        str(file),
        fingerprint.hexdigest(),
        None,
        str(setting["source"]) if setting else None,
        tuple(categories),
    )


def load(file: PromptFile, backbone: "Backbone") -> "Prompt":
    """Load a prompt file that a plan was made with.

    Args:
        file: as `describe` returned it.
        backbone: the pipeline that the prompt is for.

    Raises:
        SD4MatchError: the file is gone or changed, or does not belong to the backbone.
    """
    if describe(file.path).fingerprint != file.fingerprint:
        raise SD4MatchError(
            f"{file.path} on this worker differs from the prompt of the plan: give every node "
            "the same files, or launch again"
        )
    if _resolved(file.path).suffix == ".safetensors":
        return prompts.load(_resolved(file.path), backbone)
    return prompts.import_upstream(_resolved(file.path), backbone)


def _resolved(path: str) -> Path:
    return Path(path).expanduser().resolve()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
