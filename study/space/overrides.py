"""Overrides of a search space, as people type them: ``key=value`` and ``~axes.layer``."""

import logging
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as Place
from typing import Any, get_args, get_origin

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from sd4match.errors import SD4MatchError, require_known
from sd4match.files.masking import masked
from study.space.dotted import flatten, leaves
from study.space.typed_text import NAMED, types

OPEN = ("axes", *NAMED)
"""Sections that take any name; the others have the settings of the schema."""

Path = tuple[str, ...]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Override:
    """One setting, as the user typed it.

    Attributes:
        text: what was typed.
        path: the setting's sections and its name.
        value: as YAML would give it.
        sign: ``=`` sets, ``+`` adds what is not there yet, ``~`` leaves out.
    """

    text: str
    path: Path
    value: Any
    sign: str = "="

    @property
    def spelled(self) -> list[tuple[Path, Any]]:
        """The path and the value of every setting that it gives, as they are spelled."""
        return [] if self.sign == "~" else list(_leaves(_nested(self.path, self.value)))


def parse(texts: Sequence[str]) -> list[Override]:
    """Read overrides.

    Values are Hydra's, except for settings that are text: those are taken as they are typed, unless
    they are in quotes. So ``data.root=~/run=3`` needs no quoting.

    Args:
        texts: ``key=value``, ``+key=value``, ``++key=value`` or ``~key``.

    Raises:
        SD4MatchError: no override, a value that cannot be read, or two values of one setting; says
            which override, and how to quote it.
    """
    overrides = [_parse(text) for text in texts]
    for override in overrides:
        top = "/".join(str(override.value).split("/")[:2])
        if top.startswith("/") and not Place(top).exists():  # what `$UNSET/spair` leaves
            log.warning(
                "override %s: there is no %s: is a variable of the shell not set?",
                shown(override.text),
                top,
            )
    given: dict[str, tuple[Path, Any, str]] = {}
    for override in overrides:
        for path, value in override.spelled:
            name = ".".join(path)
            spelled, earlier, text = given.get(name, (path, value, ""))
            given[name] = (path, value, override.text)
            if repr(earlier) == repr(value):  # NaN is not equal to itself
                continue
            if spelled != path:
                raise SD4MatchError(
                    f"override {shown(override.text)}: {name} has another value in {shown(text)}: "
                    "give one"
                )
            log.warning("override %s replaces %s", shown(override.text), shown(text))
    return overrides


def apply(config: DictConfig, override: Override) -> None:
    """Change a search space.

    Args:
        config: changed in place.
        override: wins over the file, whichever way the file spells the setting.

    Raises:
        SD4MatchError: nothing to leave out, or already there.
        omegaconf.errors.OmegaConfBaseException: an unknown setting, or a value of the wrong type.
    """
    section, *rest = override.path
    before: Any = OmegaConf.to_container(config)
    if override.sign == "~":
        config[section] = _left_out(before, override.path)
        return
    given = {path for path, _ in override.spelled}
    names = {".".join(path) for path in given}
    if override.sign == "+" and (there := names & {name for name, _ in flatten(before)}):
        raise SD4MatchError(f"{', '.join(sorted(there))} has a value already: leave out the +")
    if section == "axes" and isinstance(before[section], Mapping):
        other = {path for path, _ in _leaves(before[section], (section,))} - given
        gone = {path[1:] for path in other if ".".join(path) in names}
        config[section] = _pruned(before[section], gone)
    value = _nested(tuple(rest), override.value)
    OmegaConf.update(config, section, value, merge=True, force_add=section in OPEN)


def shown(text: str) -> str:
    """What a user typed, in quotes, on one line, cut where it is long; secrets hidden."""
    text = masked(text)
    return repr(text if len(text) <= 80 else f"{text[:79]}…")


def _left_out(before: Mapping[str, Any], path: Path) -> Any:
    """A section without a name, whichever way that is spelled, or without all of its names."""
    section, *rest = path
    if section not in OPEN:
        raise SD4MatchError(f"only names in {', '.join(OPEN)} can be left out with ~")
    if not rest:
        return {}
    name = ".".join(path)
    there = {".".join(leaf): leaf[1:] for leaf, _ in _leaves(before[section], (section,))}
    gone = {leaf for known, leaf in there.items() if f"{known}.".startswith(f"{name}.")}
    if not gone:
        require_known(name, there, what="name")
    return _pruned(before[section], gone)


def _parse(text: str) -> Override:
    def refused(why: str) -> SD4MatchError:
        return SD4MatchError(f"override {shown(text)}: {why}")

    found = re.fullmatch(r"\s*(~|\+{0,2})([^=]*?)\s*(=.*)?", text, re.DOTALL)
    assert found  # it matches everything
    sign, key, value = found[1], found[2], found[3] and found[3][1:].strip()
    path = _path(key)
    if not all(path):
        raise refused("expected key=value, for example data.pairs=20")
    if sign == "~":
        if value is not None:
            raise refused(
                f"~ leaves out a setting and takes no value: type {shlex.quote('~' + key)}"
            )
        return Override(text, path, None, sign)
    if value is None:
        raise refused(f"no value: type {key}=VALUE, without spaces around the =")
    if not value:
        raise refused(f"{key} is empty: is a variable of the shell not set?")
    sign = "+" if sign == "+" else "="
    if _is_text(path) and not re.fullmatch(r"""'.*'|".*\"""", value, re.DOTALL):
        optional = types().get(key) == str | None
        return Override(text, path, None if optional and value == "null" else value, sign)
    try:
        read = _read(value)
        leaves(_nested(path, read))  # refuses a name that is written twice
    except SD4MatchError as error:
        raise refused(str(error)) from None
    except (HydraException, ValueError, RecursionError):
        better = _quoted(key, value)
        hint = f"type {shlex.quote(f'{key}={better}')}" if better else f"expected {_expected(key)}"
        raise refused(f"{shown(value)} cannot be read: {hint}") from None
    if get_origin(types().get(key)) is list and not isinstance(read, list):
        raise refused(f"{key} takes a list: type {shlex.quote(f'{key}=[{value}]')}")
    return Override(text, path, read, sign)


def _path(key: str) -> Path:
    """The sections of a dotted name; names of prompts may have dots in them."""
    section, _, rest = key.partition(".")
    if section == "prompts" and rest.count(".") > 1:
        return (section, *rest.rsplit(".", 1))
    return tuple(key.split("."))


def _read(value: str) -> Any:
    """A value by Hydra's grammar.

    Raises:
        ValueError: several values where one is expected.
    """
    override = OverridesParser.create().parse_override(f"x={value}")
    if override.is_sweep_override():
        raise ValueError("a sweep")
    return override.value()


def _quoted(key: str, value: str) -> str:
    """The value as Hydra's grammar takes it; empty if the setting is a number."""
    of = types().get(key, Any)
    listed = _items(value[1:-1] if value[:1] == "[" and value[-1:] == "]" else value)
    several = ", ".join(map(_in_quotes, listed))
    if get_origin(of) is list or value[:1] == "[" or (of is Any and len(listed) > 1):
        better = f"[{several}]"
    else:
        better = _in_quotes(value) if of is Any else ""
    try:
        _read(better)
    except (HydraException, ValueError, RecursionError):
        return ""
    return better


def _expected(key: str) -> str:
    """What a setting takes, in words."""
    of = types().get(key)
    of = get_args(of)[0] if get_args(of) else of  # int | None
    return "a whole number" if of is int else "a number" if of is float else "one value"


def _items(text: str) -> list[str]:
    """The parts between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _in_quotes(item: str) -> str:
    """An item of a list, in quotes where Hydra's grammar needs them."""
    try:
        _read(item)
    except (HydraException, ValueError, RecursionError):
        # Double, because the whole override stands in single ones for the shell.
        return str(QuotedString(item, Quote.double).with_quotes())
    return item


def _is_text(path: Path) -> bool:
    if path[0] in NAMED:
        return len(path) == (3 if path[0] == "prompts" else 2)
    of = types().get(".".join(path))
    return of in (str, str | None)


def _nested(path: Path, value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


def _leaves(nested: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The paths of all leaves, as they are spelled, and their values."""
    if isinstance(nested, Mapping) and nested:
        for name, value in nested.items():
            yield from _leaves(value, (*path, str(name)))
    else:
        yield path, nested


def _pruned(nested: Any, gone: set[Path], path: Path = ()) -> Any:
    """The same without some leaves, and without sections that have no others."""
    if not isinstance(nested, Mapping):
        return nested
    kept = {}
    for name, value in nested.items():
        place = (*path, str(name))
        left = _pruned(value, gone, place)
        if place not in gone and not (left == {} and value):
            kept[name] = left
    return kept
