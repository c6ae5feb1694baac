"""Fingerprints of backbones: one hash of everything that decides their features.

`identify` finds the fingerprint of a backbone on this machine without loading or fetching it.
"""

import hashlib
import json
from pathlib import Path

from sd4match.backbones.deciding_settings import deciding_settings
from sd4match.backbones.folders import local_files, locate, read_config, weight_files
from sd4match.backbones.tensor_hashes import tensors_hash
from sd4match.backbones.tokenizer_content import tokenizer_content
from sd4match.errors import SD4MatchError

WITH_WEIGHTS = ("text_encoder", "unet", "vae")
"""Sub-folders of a pipeline that hold weights."""


def fingerprint(folder: Path) -> str:
    """Hash the weights, settings and tokens of a pipeline folder.

    How the files are laid out changes nothing: the folder's place, shards, float32 copies of half
    weights, settings at their defaults, versions of the libraries that wrote it. Any weight,
    setting or token that decides features changes the hash.

    Args:
        folder: a complete diffusers folder.

    Returns:
        sha256, 64 hexadecimal digits.

    Raises:
        SD4MatchError: a configuration or weight file is missing or unreadable.
    """
    scheduler = read_config(folder / "scheduler" / "scheduler_config.json")
    parts: dict[str, object] = {
        "scheduler": deciding_settings("scheduler", scheduler),
        "tokenizer": tokenizer_content(folder / "tokenizer"),
    }
    for part in WITH_WEIGHTS:
        config = read_config(folder / part / "config.json")
        parts[part] = [
            deciding_settings(part, config),
            tensors_hash(weight_files(folder / part)),
        ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def identify(name_or_path: str, *, revision: str | None = None) -> str | None:
    """Fingerprint a backbone that is on this machine.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        revision: branch, tag or commit of a hub id.

    Returns:
        The value of ``load(…).fingerprint``; None if the weights are not on this machine.

    Raises:
        SD4MatchError: no such folder, or it is broken.
    """
    folder = local_pipeline(name_or_path, revision=revision)
    return None if folder is None else fingerprint(folder)


def local_pipeline(name_or_path: str, *, revision: str | None = None) -> Path | None:
    """Find the folder of a backbone that is on this machine.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        revision: branch, tag or commit of a hub id.

    Returns:
        The folder; None if the weights are not on this machine.

    Raises:
        SD4MatchError: no such folder.
    """
    if name_or_path == "nano" or Path(name_or_path).expanduser().is_dir():
        folder: Path | None = locate(name_or_path, revision=revision, weights=True)
    else:
        folder = local_files(name_or_path, revision=revision)
    if folder is None:
        return None
    try:
        for part in WITH_WEIGHTS:
            weight_files(folder / part)
    except SD4MatchError:
        return None
    return folder


def fetch(name_or_path: str, *, revision: str | None = None) -> None:
    """Download a backbone's weights, unless they are on this machine.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        revision: branch, tag or commit of a hub id.

    Raises:
        SD4MatchError: no such folder, or the download failed.
    """
    locate(name_or_path, revision=revision, weights=True)
