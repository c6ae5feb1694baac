"""Fingerprints of backbones: one hash of everything that decides their features.

`identify` finds the fingerprint of a backbone on this machine without loading or fetching it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sd4match.backbones.folders import COMPONENTS, local_files, locate, read_config, weight_files
from sd4match.errors import SD4MatchError
from sd4match.files.cache import file_hash

# Entries of configurations about their origin, not about the model.
_PROVENANCE = {
    "_name_or_path",
    "_diffusers_version",
    "transformers_version",
    "architectures",
    "dtype",
    "torch_dtype",
    "name_or_path",
    "special_tokens_map_file",
    "tokenizer_file",
}
_WITH_WEIGHTS = ("text_encoder", "unet", "vae")
_TOKENIZER = (
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)


def fingerprint(folder: Path) -> str:
    """Hash the configurations' content and the weights' bytes of a pipeline folder.

    The place of the folder, the layout of its JSON and the library versions that wrote it change
    nothing; any weight, setting or token changes the hash.

    Args:
        folder: a complete diffusers folder.

    Returns:
        sha256, 64 hexadecimal digits.

    Raises:
        SD4MatchError: a configuration or weight file is missing or unreadable.
    """
    parts: dict[str, str] = {}
    for component in COMPONENTS:
        place = folder / component
        if component in _WITH_WEIGHTS:
            parts[f"{component}/config"] = config_hash(read_config(place / "config.json"))
            for number, file in enumerate(weight_files(place)):
                parts[f"{component}/weights/{number}"] = file_hash(file)
    parts["scheduler/config"] = config_hash(
        read_config(folder / "scheduler" / "scheduler_config.json")
    )
    for name in _TOKENIZER:
        file = folder / "tokenizer" / name
        if file.is_file():
            is_json = file.suffix == ".json"
            parts[f"tokenizer/{name}"] = (
                config_hash(read_config(file)) if is_json else file_hash(file)
            )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash a model's configuration without its entries about origin.

    Args:
        config: the content of a JSON file.

    Returns:
        sha256, 64 hexadecimal digits.
    """
    kept = {key: value for key, value in config.items() if key not in _PROVENANCE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


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
    if name_or_path == "nano" or Path(name_or_path).expanduser().is_dir():
        folder = locate(name_or_path, revision=revision, weights=True)
    else:
        found = local_files(name_or_path, revision=revision)
        if found is None:
            return None
        folder = found
    try:
        for component in ("text_encoder", "unet", "vae"):
            weight_files(folder / component)
    except SD4MatchError:
        return None
    return fingerprint(folder)


def fetch(name_or_path: str, *, revision: str | None = None) -> None:
    """Download a backbone's weights, unless they are on this machine.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        revision: branch, tag or commit of a hub id.

    Raises:
        SD4MatchError: no such folder, or the download failed.
    """
    locate(name_or_path, revision=revision, weights=True)
