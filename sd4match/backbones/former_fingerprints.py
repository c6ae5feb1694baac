"""Fingerprints as they were when they followed the bytes of files: prompt files may hold them.

Whether a prompt file was made for the folder that is here can still be answered, so that no prompt
has to be learned again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sd4match.backbones.fingerprints import WITH_WEIGHTS, local_pipeline
from sd4match.backbones.folders import read_config, weight_files
from sd4match.backbones.image_encoder_files import local_image_encoder
from sd4match.backbones.image_processing import processor_settings
from sd4match.errors import SD4MatchError
from sd4match.files.cache import file_hash

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
_TOKENIZER = (
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)


def is_former_fingerprint(fingerprint: str, name: str) -> bool:
    """Whether a fingerprint is the former one of a backbone that is on this machine.

    Args:
        fingerprint: 64 hexadecimal digits.
        name: "nano", a diffusers folder, a hub id or ``id@revision``.

    Returns:
        False also if the backbone is not on this machine, or broken.
    """
    place, revision = name, ""
    if not Path(name).expanduser().is_dir():
        place, _, revision = name.partition("@")
    try:
        folder = local_pipeline(place, revision=revision or None)
        return folder is not None and fingerprint == _of_pipeline(folder)
    except SD4MatchError:  # whoever asks says that the fingerprints differ
        return False


def is_former_image_encoder_fingerprint(fingerprint: str, name: str) -> bool:
    """Whether a fingerprint is the former one of an image encoder that is on this machine.

    Args:
        fingerprint: 64 hexadecimal digits.
        name: hub id, ``id@revision`` or folder.

    Returns:
        False also if the encoder is not on this machine, or broken.
    """
    try:
        folder = local_image_encoder(name)
        return folder is not None and fingerprint == _of_image_encoder(folder)
    except SD4MatchError:
        return False


def _of_pipeline(folder: Path) -> str:
    parts: dict[str, str] = {}
    for part in WITH_WEIGHTS:
        parts[f"{part}/config"] = _config_hash(read_config(folder / part / "config.json"))
        for number, file in enumerate(weight_files(folder / part)):
            parts[f"{part}/weights/{number}"] = file_hash(file)
    parts["scheduler/config"] = _config_hash(
        read_config(folder / "scheduler" / "scheduler_config.json")
    )
    for name in _TOKENIZER:
        file = folder / "tokenizer" / name
        if file.is_file():
            parts[f"tokenizer/{name}"] = (
                _config_hash(read_config(file)) if file.suffix == ".json" else file_hash(file)
            )
    return _json_hash(parts)


def _of_image_encoder(folder: Path) -> str:
    return _json_hash(
        {
            "config": _config_hash(read_config(folder / "config.json")),
            "processing": _config_hash(processor_settings(folder)[1]),
            "weights": [file_hash(file) for file in weight_files(folder)],
        }
    )


def _config_hash(config: Mapping[str, Any]) -> str:
    return _json_hash({name: config[name] for name in config.keys() - _PROVENANCE})


def _json_hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
