"""Hashes of the tensors in safetensors files, whatever files they are in. Does not load torch."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from sd4match.errors import SD4MatchError
from sd4match.files.cache import remembered

_CHUNK = 1 << 22
"""Values that are hashed at once."""

# Names that the libraries changed: they read both.
_LEVELS = re.compile(r"^(text_model|vision_model|dinov2|dinov2_with_registers)\.")
_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_OLD_ATTENTION = re.compile(rf"\.({'|'.join(_ATTENTION)})\.(weight|bias)$")

CONSTANT = "position_ids"
"""Ends the names of what older CLIP files store and the libraries compute."""
TEXT_HALF = ("text_model.", "text_projection.", "logit_scale")
"""Begins the names of what a whole CLIP has beside its vision half."""


def tensors_hash(files: Iterable[Path], *, leave_out: tuple[str, ...] = ()) -> str:
    """Hash a model's weights: names, shapes and values.

    Shards, the order in a file, metadata, and names that the libraries changed, change nothing.
    Values of float16 and bfloat16 count as the float32 that they equal, and float64 that are
    float32 as these.

    Args:
        files: its safetensors files.
        leave_out: beginnings of names that do not count.

    Returns:
        sha256, 64 hexadecimal digits.

    Raises:
        SD4MatchError: a file is damaged.
    """
    found: dict[str, list[Any]] = {}
    for file in files:
        found |= json.loads(remembered(file, _hash_each, what="tensors 1"))
    found = {
        name: value
        for name, value in found.items()
        if not name.endswith(CONSTANT) and not (leave_out and name.startswith(leave_out))
    }
    renamed = {_present_name(name): value for name, value in found.items()}
    # A file with both an old name and a new one is no file of the libraries: its names count.
    found = renamed if len(renamed) == len(found) else found
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _present_name(name: str) -> str:
    def present(match: re.Match[str]) -> str:
        return f".{_ATTENTION[match[1]]}.{match[2]}"

    return _OLD_ATTENTION.sub(present, _LEVELS.sub("", name))


def _hash_each(file: Path) -> str:
    """JSON: name -> shape and hash of a tensor."""
    try:
        with safe_open(file, framework="np"):  # checks the header against the file
            pass
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))
        content = np.memmap(file, np.uint8, "r", offset=8 + length) if header else None
    except (SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SD4MatchError(f"{file}: not a safetensors file ({reason}): fetch it again") from error
    header.pop("__metadata__", None)
    hashes = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        part = np.empty(0, np.uint8) if content is None else content[begin:end]
        hashes[name] = [entry["shape"], _values_hash(part, entry["dtype"])]
    return json.dumps(hashes)


def _values_hash(content: np.ndarray[Any, np.dtype[np.uint8]], dtype: str) -> str:
    hashed = hashlib.sha256()
    width = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}.get(dtype, 1)
    if dtype == "F64" and not all(
        np.array_equal(part, part.astype("<f4"), equal_nan=True)
        for part in _chunks(content.view("<f8"))
    ):
        width = 1
    if width == 1:
        hashed.update(dtype.encode())
    for part in _chunks(content.view({1: "u1", 2: "<u2", 4: "<f4", 8: "<f8"}[width])):
        if dtype == "BF16":
            part = (part.astype("<u4") << 16).view("<f4")
        elif dtype == "F16":
            part = part.view("<f2").astype("<f4")
        elif width == 8:
            part = part.astype("<f4")
        hashed.update(part.data)
    return hashed.hexdigest()


def _chunks(values: np.ndarray[Any, Any]) -> Iterable[np.ndarray[Any, Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
