"""Nested settings and their dotted names, such as ``train.timestep``."""

from collections.abc import Iterator, Mapping
from typing import Any

from sd4match.errors import SD4MatchError


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name the leaves of nested settings by their dotted paths, such as ``train.timestep``.

    Args:
        nested: settings in sections.
        prefix: put before every name.

    Yields:
        Name and value of each leaf.
    """
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def leaves(nested: Mapping[str, Any]) -> dict[str, Any]:
    """As `flatten`, where each name is written once.

    Raises:
        SD4MatchError: a name is written twice, nested and dotted: one of its values would be lost.
    """
    found: dict[str, Any] = {}
    for name, value in flatten(nested):
        if name in found:
            section, _, last = name.rpartition(".")
            raise SD4MatchError(
                f"{name} is written twice, as `{section}: {{{last}: …}}` and as `{name}: …`: "
                "write it once, with all its values"
            )
        found[name] = value
    return found


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `flatten`: ``{"train.layer": 1}`` becomes ``{"train": {"layer": 1}}``.

    Args:
        flat: dotted path -> value.

    Returns:
        The settings in sections.
    """
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested


def by_name(resolved: Any, written: Any) -> Any:
    """Settings in which variables of the environment keep their names, ``${oc.env:NAME}``.

    Args:
        resolved: settings, as they are used.
        written: the same, as they were written.
    """
    if isinstance(written, str) and "${oc.env:" in written:
        return written
    if isinstance(resolved, Mapping) and isinstance(written, Mapping):
        return {name: by_name(value, written.get(name)) for name, value in resolved.items()}
    if isinstance(resolved, list) and isinstance(written, list) and len(resolved) == len(written):
        return [by_name(*pair) for pair in zip(resolved, written, strict=True)]
    return resolved
