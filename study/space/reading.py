"""Read a search space's YAML file with Hydra: schema, file, overrides, checks."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, InterpolationKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from sd4match.errors import SD4MatchError, require_known
from study.space.checks import check, warn
from study.space.file_lookup import find_file
from study.space.overrides import Override, apply, parse, shown
from study.space.schema import Baseline, SpaceFile, TrainAxes
from study.space.space import Space
from study.space.typed_text import in_quotes


def compose_file(path: Path) -> DictConfig:
    """Read a file over the schema's defaults.

    Args:
        path: a YAML file.

    Returns:
        Every setting; those that are interpolated are not resolved yet.

    Raises:
        SD4MatchError: no YAML, an unknown setting, a value of the wrong type.
    """
    store = ConfigStore.instance()
    store.store(name="_schema", node=SpaceFile)
    # The schema comes first and the file is laid over it, so users' files need no boilerplate.
    store.store(name="_space", node={"defaults": ["_schema", path.stem, "_self_"]})
    GlobalHydra.instance().clear()
    try:
        with _lone_files(path) as folder, initialize_config_dir(folder, version_base="1.3"):
            composed = compose("_space")
    except RecursionError:
        raise SD4MatchError(f"search space {path}: too deeply nested, or in itself") from None
    # ValueError: bytes that are no text.
    except (HydraException, OmegaConfBaseException, YAMLError, OSError, ValueError) as error:
        raise SD4MatchError(f"search space {path}: {_in_words(error, path)}") from None
    if "hydra" in OmegaConf.load(path):
        raise SD4MatchError(f"search space {path}: hydra: Hydra's own settings cannot be set here")
    return composed


@contextmanager
def _lone_files(path: Path) -> Iterator[str]:
    """A folder with the YAML files beside this one and no sub-folders.

    Hydra reads a folder beside the file as a group of configurations, and ``results=…`` as a choice
    from it if there is a folder ``results/``. Texts of the file stand in
    quotes.
    """
    with tempfile.TemporaryDirectory(prefix="sd4match-space-") as lone:
        for file in path.parent.glob("[!.]*.yaml"):
            if file != path:
                (Path(lone) / file.name).symlink_to(file)
        (Path(lone) / path.name).write_text(in_quotes(path.read_text("utf-8")), "utf-8")
        yield lone


def _in_words(error: Exception, path: Path) -> str:
    """A message of Hydra's or OmegaConf's as one line."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    inner = error.__cause__ or error.__context__
    cause = error if isinstance(error, OmegaConfBaseException) else inner
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        if isinstance(cause, ConfigKeyError) and is_dataclass(cause.object_type):
            return _nearest(cause.full_key, str(cause.key), cause.object_type)
        is_variable = isinstance(cause, InterpolationKeyError)
        hint = " (a variable of the environment is ${oc.env:NAME})" if is_variable else ""
        return f"{cause.full_key}: {str(cause).splitlines()[0]}{hint}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(cause, OmegaConfBaseException):
        return f"{_section(path)}{str(cause).splitlines()[0]}"
    return " ".join(lines[:2])


def _section(path: Path) -> str:
    """The section of a file that does not fit the schema; empty if all fit."""
    given: Any = OmegaConf.create(in_quotes(path.read_text("utf-8")))
    for name in given:
        try:
            OmegaConf.merge(OmegaConf.structured(SpaceFile), {name: given[name]})
        except OmegaConfBaseException:
            return f"{name}: "
    return ""


def _nearest(place: str, key: str, section: Any) -> str:
    """The message for a setting that a section of the schema does not have."""
    what = "axis" if section in (Baseline, TrainAxes) else "setting"
    try:
        require_known(key, [field.name for field in fields(section)], what=what, where=place)
    except SD4MatchError as error:
        return str(error)
    raise AssertionError  # OmegaConf knows the same fields


def load(space: str, overrides: Sequence[str] = ()) -> Space:
    """Read and check a search space.

    Args:
        space: a name in ``./search_spaces`` or among the shipped ones, or a path to a YAML file.
        overrides: what differs from the file, ``key=value`` (`study.space.overrides.parse`).

    Returns:
        The checked space.

    Raises:
        SD4MatchError: file not found, an unknown setting or axis, an impossible value; names the
            override that is to blame, or else the file.
    """
    path = find_file(space)
    given = parse(overrides)
    composed = compose_file(path)
    try:
        checked = _checked(composed, given, path)
    except SD4MatchError as error:
        raise SD4MatchError(f"{_blamed(composed, given, path, error)}: {error}") from None
    warn(checked)
    return checked


def _checked(composed: DictConfig, overrides: Sequence[Override], path: Path) -> Space:
    """The space of a file and of overrides over it."""
    config = deepcopy(composed)
    try:
        for override in overrides:
            apply(config, override)
        file: Any = OmegaConf.to_object(config)
        written: Any = OmegaConf.to_container(config)
    except RecursionError:
        raise SD4MatchError("too deeply nested, or in itself") from None
    except (OmegaConfBaseException, ValueError, AssertionError) as error:
        raise SD4MatchError(_in_words(error, path)) from None
    assert isinstance(file, SpaceFile)
    return check(file, name=path.stem, written=written)


def _blamed(
    composed: DictConfig, overrides: Sequence[Override], path: Path, error: SD4MatchError
) -> str:
    """The first override with which a space is refused for this reason; or the file itself."""
    for count in range(len(overrides)):
        try:
            _checked(composed, overrides[:count], path)
        except SD4MatchError as earlier:
            if str(earlier) == str(error):
                return (
                    f"override {shown(overrides[count - 1].text)}"
                    if count
                    else f"search space {path}"
                )
    return f"override {shown(overrides[-1].text)}" if overrides else f"search space {path}"
