"""Nested settings by dotted names, such as ``train.timestep``; needs no library."""

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name the leaves of nested settings by their dotted paths, such as ``train.timestep``."""
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``{"train.layer": 1}`` as ``{"train": {"layer": 1}}``."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested
