"""Hashes of the tensors in safetensors files, whatever files they are in. Does not load torch."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from sd4match.errors import SD4MatchError
from sd4match.files.cache import remembered

Array = np.ndarray[Any, Any]

_CHUNK = 1 << 18
"""Values that are converted at once."""
_FLOATS = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}
"""Types, the narrowest first -> how NumPy, which has no bfloat16, reads them."""

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
    Tensors count in the narrowest type that holds all their values exactly, so float32 copies of
    float16 or bfloat16 weights are these weights.

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
        found |= json.loads(remembered(file, _hash_each, what="tensors 2"))
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
        content = np.memmap(file, np.uint8, "r", offset=8 + length)
    except (SafetensorError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SD4MatchError(f"{file}: not a safetensors file ({reason}): fetch it again") from error
    header.pop("__metadata__", None)
    hashes = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        hashes[name] = [entry["shape"], _values_hash(content[begin:end], entry["dtype"])]
    return json.dumps(hashes)


def _values_hash(content: Array, dtype: str) -> str:
    """Hash values in the narrowest type that holds all of them exactly, bit by bit."""
    for narrower in _FLOATS if dtype in _FLOATS else ():
        if narrower == dtype:
            break
        hashed = hashlib.sha256(narrower.encode())
        for part in _chunks(content.view(_FLOATS[dtype])):
            narrow = _narrowed(_widened(part, dtype), narrower)
            if narrow is None:
                break
            hashed.update(narrow.data)
        else:
            return hashed.hexdigest()
    hashed = hashlib.sha256(dtype.encode())
    hashed.update(content.data)
    return hashed.hexdigest()


def _chunks(values: Array) -> Iterator[Array]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _widened(values: Array, dtype: str) -> Array:
    return (values.astype("<u4") << 16).view("<f4") if dtype == "BF16" else values


def _narrowed(values: Array, dtype: str) -> Array | None:
    """The values in another type; None if it does not hold them exactly."""
    bits = f"<u{values.itemsize}"
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype("<f4")
        if dtype == "F16":
            narrow = single.astype("<f2")
            single = narrow.astype("<f4")
        elif dtype == "BF16":
            narrow = (single.view("<u4") >> 16).astype("<u2")
            single = _widened(narrow, dtype)
        else:
            narrow = single
        same = np.array_equal(single.astype(values.dtype).view(bits), values.view(bits))
    return narrow if same else None
