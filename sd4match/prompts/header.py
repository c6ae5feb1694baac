"""The header of a prompt file: family, backbone, training. Does not load torch."""

import json
import os
from typing import Any

from safetensors import SafetensorError, safe_open

from sd4match.errors import SD4MatchError

FORMAT = 1
LIBRARIES = ("sd4match-study", "torch", "diffusers", "transformers")
# All of the header is one entry: safetensors writes several in an order that varies.
ENTRY = "sd4match"
_KINDS = {"family": str, "config": dict, "backbone": dict, "training": dict}


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the header of a prompt file, without a backbone.

    Args:
        path: a file that ``prompts.save`` wrote.

    Returns:
        format, versions (of ``LIBRARIES``), family, length, config, backbone and image_encoder
        (each with name and fingerprint), training, and tensors (name -> shape and dtype).

    Raises:
        SD4MatchError: the file is missing or is not a prompt file.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[ENTRY])
            slices = {name: file.get_slice(name) for name in sorted(file.keys())}
            tensors = {
                name: {"shape": part.get_shape(), "dtype": part.get_dtype()}
                for name, part in slices.items()
            }
        if header["format"] != FORMAT:
            raise SD4MatchError(
                f"prompt {os.fspath(path)} has format {header['format']}, this version reads "
                f"{FORMAT}: use the version that wrote it ({header['versions'][LIBRARIES[0]]})"
            )
        for name, kind in _KINDS.items():
            if not isinstance(header[name], kind):
                raise TypeError(f"{name} is not a {kind.__name__}")
        for model in filter(None, (header["backbone"], header.get("image_encoder"))):
            if set(model) != {"name", "fingerprint"}:
                raise TypeError(f"{model} is not a name and a fingerprint")
        return {**header, "tensors": tensors}
    except FileNotFoundError as error:
        raise SD4MatchError(f"no prompt file at {os.fspath(path)}") from error
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise broken(path, error) from error


def broken(path: str | os.PathLike[str], error: Exception) -> SD4MatchError:
    """Make the error for a file that is not a prompt file."""
    reason = " ".join(str(error).split())
    return SD4MatchError(
        f"{os.fspath(path)} is not a readable prompt file ({type(error).__name__}: {reason}): "
        "give one that `sd4match tune` or `sd4match prompts import` wrote"
    )
