"""The axes of a search-space file: the baseline, what varies around it, and what is tied."""

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import OmegaConf

from sd4match.errors import SD4MatchError, require_known
from study.axes import TIES, Value, families, find
from study.schema import SpaceFile


def read_baseline(file: SpaceFile) -> dict[str, Value]:
    """The baseline's value of every axis, checked; an image size of None is the backbone's own.

    Raises:
        SD4MatchError: an impossible value.
    """
    raw: Any = OmegaConf.to_container(OmegaConf.structured(file.baseline))
    own_size = {"image_size": None}
    return {
        name: None if {name: value} == own_size else _parse(file, name, value)
        for name, value in flatten(raw)
    }


def read_axes(file: SpaceFile) -> dict[str, tuple[Value, ...]]:
    """The values of each axis that varies, checked, in the order of the file.

    Raises:
        SD4MatchError: an unknown axis, no values, or an impossible one.
    """
    axes = {}
    for name, raw in flatten(file.axes):
        find(name)
        values = raw if isinstance(raw, list) else [raw]
        if not values:
            raise SD4MatchError(f"axes.{name}: no values; give some or leave the axis out")
        axes[name] = tuple(dict.fromkeys(_parse(file, name, value) for value in values))
    return axes


def _parse(file: SpaceFile, name: str, raw: object) -> Value:
    """A checked value; the prompt axis knows the file's own names as well."""
    if name == "prompt":
        require_known(raw, (*families(), *file.prompts), what="value", where="axis prompt")
        return str(raw)
    return find(name).parse(raw)


def read_ties(file: SpaceFile, axes: Mapping[str, object]) -> tuple[str, ...]:
    """The evaluation axes that training follows.

    Raises:
        SD4MatchError: no such tie, or an axis that is tied and varies by itself.
    """
    names = {True: list(TIES), False: []}.get(file.tie) if isinstance(file.tie, bool) else file.tie
    if not isinstance(names, list):
        raise SD4MatchError(f"tie: expected true, false or some of [{', '.join(TIES)}]")
    for name in names:
        require_known(name, TIES, what="axis", where="tie")
        if TIES[name] in axes:
            raise SD4MatchError(f"axes.{TIES[name]}: tie already ties it to {name}")
    return tuple(dict.fromkeys(names))


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name the leaves of nested settings by their dotted paths, such as ``train.timestep``."""
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
