"""Image encoders by name: a backbone's defaults, their files and fingerprints.

Does not load torch.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sd4match.backbones.deciding_settings import deciding_vision_settings
from sd4match.backbones.folders import (
    NANO_FOLDER,
    fetch_files,
    local_files,
    read_config,
    weight_files,
)
from sd4match.backbones.image_processing import OWN_FILE, SHARED_FILE, read_processing
from sd4match.backbones.published_configs import DINO_CONFIGS, IMAGE_ENCODERS
from sd4match.backbones.tensor_hashes import TEXT_HALF, tensors_hash
from sd4match.errors import SD4MatchError

NANO = "nano/image_encoder"
"""Name of the DINOv2 of the embedded backbone, independent of the place of its weights."""

DINO_TYPES = ("dinov2", "dinov2_with_registers")
"""The ``model_type`` in ``config.json`` of the encoders of kind "dino"."""

_WHAT = "image encoder"
_FILES = [
    "config.json",
    OWN_FILE,
    SHARED_FILE,
    "model.safetensors",
    "model-*-of-*.safetensors",
    "model.safetensors.index.json",
]


def image_encoder_names(name_or_path: str) -> dict[str, str]:
    """Return the default image encoders of a backbone.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.

    Returns:
        kind -> name: a folder's own DINOv2 if it has one, else ``known.IMAGE_ENCODERS``.
    """
    if name_or_path == "nano":
        return {**IMAGE_ENCODERS, "dino": NANO}
    config = Path(name_or_path).expanduser() / "image_encoder" / "config.json"
    has_dino = config.is_file() and read_config(config).get("model_type") in DINO_TYPES
    return {**IMAGE_ENCODERS, **({"dino": str(config.parent)} if has_dino else {})}


def fetch_image_encoder(name: str) -> Path:
    """Download an image encoder's files, unless they are on this machine.

    Args:
        name: hub id, ``id@revision`` or folder.

    Returns:
        The folder with the files.

    Raises:
        SD4MatchError: no such folder or hub id, or the download failed.
    """
    path, revision = _split(name)
    if path.is_dir():
        return path
    return fetch_files(str(path), revision=revision, patterns=_FILES, what=_WHAT)


def identify_image_encoder(name: str) -> str | None:
    """Fingerprint an image encoder that is on this machine.

    Args:
        name: hub id, ``id@revision`` or folder.

    Returns:
        Its fingerprint; None if its weights are not on this machine.

    Raises:
        SD4MatchError: no such folder, or it is damaged.
    """
    folder = local_image_encoder(name)
    try:
        return None if folder is None else image_encoder_fingerprint(folder)
    except SD4MatchError:
        if _split(name)[0].is_dir():
            raise
        return None  # the hub's cache may hold only some of the files


def local_image_encoder(name: str) -> Path | None:
    """Find the folder of an image encoder on this machine, without network access.

    Args:
        name: hub id, ``id@revision`` or folder.

    Returns:
        The folder, which may hold only some of the files; None if there is none.

    Raises:
        SD4MatchError: not a hub id.
    """
    path, revision = _split(name)
    return path if path.is_dir() else local_files(str(path), revision=revision, what=_WHAT)


def dino_config(name: str) -> Mapping[str, Any]:
    """Read the configuration of a DINOv2, for planning.

    Args:
        name: hub id, ``id@revision`` or folder.

    Returns:
        Its ``config.json`` if that is on this machine, else what is published of it; that of
        DINOv2-B for an unknown one.
    """
    folder = local_image_encoder(name)
    if folder is not None and (folder / "config.json").is_file():
        return read_config(folder / "config.json")
    return DINO_CONFIGS.get(str(_split(name)[0]), DINO_CONFIGS[IMAGE_ENCODERS["dino"]])


def _split(name: str) -> tuple[Path, str | None]:
    """A folder, or a hub id and its revision."""
    if name == NANO:
        return NANO_FOLDER / "image_encoder", None
    if (folder := Path(name).expanduser()).is_dir():
        return folder, None
    hub_id, _, revision = name.partition("@")
    return Path(hub_id), revision or None


def image_encoder_fingerprint(folder: Path) -> str:
    """Hash what decides an image encoder's features: settings, processing and weights.

    The layout of the files changes nothing, as for a backbone's ``fingerprint``. A CLIP and its
    vision half alone are one encoder.

    Args:
        folder: the folder with its files.

    Returns:
        sha256, 64 hexadecimal digits.

    Raises:
        SD4MatchError: a file is missing or unreadable.
    """
    settings = deciding_vision_settings(read_config(folder / "config.json"))
    clip = settings["model_type"] == "clip_vision_model"
    parts = {
        "settings": settings,
        "processing": asdict(read_processing(folder)),
        "weights": tensors_hash(weight_files(folder), leave_out=TEXT_HALF if clip else ()),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
