"""Classes that a search space may name by ``_target_``: which, where, and with what arguments.

A search space is data: reading or running one must not run code that its author chose. So nothing
is imported before its name is allowed here (docs/explanation/security.md).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sd4match.errors import SD4MatchError
from study.space.schema import SpaceFile

TARGET = "_target_"
OPTUNAS = "optuna.samplers."
"""Where the classes are that ``search.sampler`` may name."""
RAYS = ("ray.tune.", "ray.air.integrations.")
"""Where Ray's own callbacks are."""
GROUP = "study.callbacks"
"""Group of entry points by which an installed package registers its callbacks."""
EXAMPLE = "ray.tune.logger.CSVLoggerCallback"


def check(file: SpaceFile) -> None:
    """Refuse a class in any place but ``callbacks`` and ``search.sampler``, and unknown ones there.

    Args:
        file: all settings. `study.space.search_settings` checks the sampler.

    Raises:
        SD4MatchError: says which setting, and what may stand there.
    """
    plain: dict[str, Any] = asdict(file)
    plain["search"]["sampler"] = None
    for number, given in enumerate(file.callbacks):
        where = f"callbacks[{number}]"
        target = given.get(TARGET) if isinstance(given, Mapping) else None
        if not isinstance(target, str):
            raise SD4MatchError(f"{where}: expected {{{TARGET}: {EXAMPLE}}}, got {given}")
        if not target.startswith(RAYS) and registered(target) is None:
            raise SD4MatchError(
                f"{where}: {target} is none of Ray's own callbacks ({RAYS[0]}…, {RAYS[1]}…), and "
                f"no installed package registers it as an entry point of {GROUP}"
            )
        del plain["callbacks"][number][TARGET]
    for place in _special(plain):
        raise SD4MatchError(
            f"{place}: a class can stand only in callbacks and in search.sampler, and its "
            "arguments are plain values"
        )


def registered(target: str) -> EntryPoint | None:
    """The entry point by which an installed package registers a callback; None if none does.

    Args:
        target: package, module and class, with dots. Nothing is imported.
    """
    found = entry_points(group=GROUP)
    return next((one for one in found if one.value.replace(":", ".") == target), None)


def _special(value: Any, place: str = "") -> Iterator[str]:
    """The places of Hydra's own names, such as ``_target_`` and ``_partial_``."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            where = f"{place}.{name}" if place else str(name)
            if re.fullmatch(r"_[a-z]+_", str(name)):
                yield where
            yield from _special(inner, where)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _special(inner, f"{place}[{number}]")
