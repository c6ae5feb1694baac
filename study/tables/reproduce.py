"""How to run a configuration again: a command line, and a search space that starts from it."""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import yaml

from study.space.dotted import flatten, nest
from study.space.labels import Settings, Value
from study.space.schema import Baseline, SpaceFile
from study.store.study_folder import StudyFolder

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+-]*")
_OF_A_SEARCH = ("name", "design", "axes", "search", "factorial")


def launch_command(folder: StudyFolder, key: str, settings: Settings) -> str:
    """The ``study launch`` that measures one configuration alone; computed results are reused.

    Args:
        folder: of its study.
        key: of the configuration.
        settings: its axes, None where one does not apply.

    Returns:
        A line for a shell.
    """
    launched = _launched(folder)
    # A study from before an axis has its default.
    before = dict(flatten(asdict(Baseline()))) | dict(flatten(launched["baseline"]))
    settings = _as_launched(launched, settings)
    words = [f"name={folder.path.name}-{key}", "design=one_at_a_time", "~axes"]
    words += [
        f"baseline.{name}={_hydra(value)}"
        for name, value in settings.items()
        if value is not None and value != before[name]
    ]
    file = os.path.relpath(folder.path / "study.yaml")
    shown = file if not file.startswith("..") else str(folder.path / "study.yaml")
    if "/" not in shown:
        shown = f"./{shown}"
    return shlex.join(["study", "launch", shown, *words])


def search_space(folder: StudyFolder, key: str, settings: Settings) -> str:
    """A search-space file whose baseline is one configuration, for the next study.

    Args:
        folder, key, settings: as for `launch_command`.

    Returns:
        YAML: the baseline in full, and the study's other settings that are not the default.
    """
    launched = _launched(folder)
    baseline = dict(flatten(launched["baseline"]))
    settings = _as_launched(launched, settings)
    baseline |= {name: value for name, value in settings.items() if value is not None}
    default = asdict(SpaceFile())
    kept = {
        name: value if not isinstance(value, Mapping) else _differing(value, default[name])
        for name, value in launched.items()
        if name not in (*_OF_A_SEARCH, "baseline") and value != default[name]
    }
    space = {"design": "one_at_a_time", "baseline": nest(baseline), "axes": {}, **kept}
    # Written as YAML because a name may hold what only YAML's own writer quotes.
    text = yaml.safe_dump(space, sort_keys=False, allow_unicode=True)
    return (
        f"# Starts from configuration {key} of study {folder.path.name}.\n"
        f"# Put the axes to vary into `axes`, for example {{layer: [0, 1, 2]}}.\n{text}"
    )


def _launched(folder: StudyFolder) -> dict[str, Any]:
    """The settings that the study was launched with."""
    file = folder.path / "study.yaml"
    launched: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return launched


def _as_launched(launched: Mapping[str, Any], settings: Settings) -> Settings:
    """The settings, with the image size left to the backbone where the study left it."""
    if launched["baseline"]["image_size"] is None and "image_size" not in launched["axes"]:
        return {**settings, "image_size": None}
    return settings


def _hydra(value: Value) -> str:
    """A value in Hydra's grammar."""
    if isinstance(value, str) and not _PLAIN.fullmatch(value):
        # Within its quotes only a quote is escaped, and backslashes that stand before one.
        return (
            '"' + re.sub(r'(\\*)("|$)', lambda m: m[1] * 2 + m[2].replace('"', r"\""), value) + '"'
        )
    return str(value)


def _differing(section: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if value != default.get(name)}
