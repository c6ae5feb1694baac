"""Writing and reading prompt files: safetensors with one JSON header."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save as to_bytes

from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError, require_known
from sd4match.files import seal
from sd4match.files.atomic import atomic_path
from sd4match.prompts.base import MadeFor, Prompt
from sd4match.prompts.families import FAMILIES, require_made_for
from sd4match.prompts.header import ENTRY, FORMAT, LIBRARIES, broken, read_header


def save(
    prompt: Prompt,
    path: str | os.PathLike[str],
    *,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write a prompt. Equal prompts give equal bytes.

    Args:
        prompt: a prompt of any family, from ``create``, ``load`` or a tuning.
        path: the file to write; the usual suffix is ``.safetensors``.
        training: how it was learned, JSON values; kept in the header.

    Raises:
        SD4MatchError: the prompt has no backbone.
    """
    if prompt.made_for is None:
        raise SD4MatchError(
            f"a {prompt.family} prompt without a backbone cannot be saved: make it with "
            "prompts.create, or set its made_for"
        )
    header = {
        "format": FORMAT,
        "versions": {name: _version(name) for name in LIBRARIES},
        "family": prompt.family,
        "length": prompt.length,
        "config": dict(prompt.config()),
        "backbone": asdict(prompt.made_for),
        "image_encoder": prompt.encoder_made_for and asdict(prompt.encoder_made_for),
        "training": dict(training or {}),
        # In this entry: the order of two entries in a safetensors header is random.
        seal.ENTRY: seal.BLANK,
    }
    tensors = {name: value.cpu().contiguous() for name, value in prompt.state_dict().items()}
    metadata = {ENTRY: json.dumps(header, sort_keys=True)}
    with atomic_path(path) as temporary:
        # Not `save_file`, which hides the error of the disk.
        temporary.write_bytes(to_bytes(tensors, metadata=metadata))
        seal.close(temporary)


def load(path: str | os.PathLike[str], backbone: Backbone) -> Prompt:
    """Read a prompt for its backbone.

    Args:
        path: a file that ``save`` wrote.
        backbone: the pipeline to use it with.

    Returns:
        The prompt, with its parameters on the backbone's device.

    Raises:
        SD4MatchError: as `read`, or it belongs to another backbone or image encoder.
    """
    prompt = read(path)
    require_made_for(prompt, backbone, what=os.fspath(path))
    return prompt.to(backbone.device)


def read(path: str | os.PathLike[str]) -> Prompt:
    """Read a prompt without the models that it belongs to.

    Args:
        path: a file that ``save`` wrote.

    Returns:
        The prompt, with its parameters on the CPU.

    Raises:
        SD4MatchError: the file is missing, damaged, not a prompt file, or not finite.
    """
    header = read_header(path)
    if not seal.intact(Path(path)):
        raise SD4MatchError(
            f"{os.fspath(path)}: damaged since it was written: copy or tune it again"
        )
    try:
        tensors = load_file(path)
        require_known(header["family"], FAMILIES, what="prompt family", where=os.fspath(path))
        kind, made_for = FAMILIES[header["family"]], MadeFor(**header["backbone"])
        prompt = kind(**header["config"])
        prompt.made_for = made_for
        if prompt.reads:
            prompt.encoder_made_for = MadeFor(**header["image_encoder"])
        prompt.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise broken(path, error) from error
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise SD4MatchError(
                f"{os.fspath(path)}: {name} is not finite everywhere, its tuning failed: tune it "
                "again with a lower learning rate"
            )
    return prompt


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # a checkout that is not installed
        return "unknown"
