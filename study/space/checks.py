"""Checks of a search-space file, before anything runs."""

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from sd4match.backbones.architectures import architecture
from sd4match.backbones.published_configs import IMAGE_ENCODERS
from sd4match.datasets.benchmarks import NAMES
from sd4match.errors import SD4MatchError, require_known
from sd4match.pck.protocols import PROTOCOLS, localizer_warning
from sd4match.prompts.family_facts import KNOWN
from sd4match.tuning.recipe import check_schedule, paper_steps
from study.space.axes import SEED, TRAINED_ON, Value, find
from study.space.configuration import TIES
from study.space.designs import DESIGNS, check_size
from study.space.dotted import flatten, leaves
from study.space.metric import difference_of
from study.space.schema import SpaceFile
from study.space.search_settings import check as check_search
from study.space.space import Space
from study.space.targets import check as check_targets

LONGEST_NAME = 200
"""Characters of a study's name; file systems take 255, and names derived from it are longer."""

log = logging.getLogger(__name__)


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
        SD4MatchError: an unknown axis, the seed, no values, or an impossible one.
    """
    axes = {}
    for name, raw in _axes_of(file).items():
        find(name)
        if name == SEED:
            raise SD4MatchError(
                "axes.seed: the best of several seeds is the luckiest, not a better setting: give "
                "`seeds: 3` at the top of the file, and every result is a mean over three seeds"
            )
        values = raw if isinstance(raw, list) else [raw]
        if not values:
            raise SD4MatchError(f"axes.{name}: no values; give some or leave the axis out")
        axes[name] = tuple(dict.fromkeys(_parse(file, name, value) for value in values))
    return axes


def _axes_of(file: SpaceFile) -> dict[str, Any]:
    try:
        return leaves(file.axes)
    except SD4MatchError as error:
        raise SD4MatchError(f"axes: {error}") from None


def _parse(file: SpaceFile, name: str, raw: object) -> Value:
    """A checked value; the prompt axis takes the file's own names too."""
    if name == "prompt":
        require_known(raw, (*KNOWN, *file.prompts), what="value", where="axis prompt")
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


def check_names(names: dict[str, dict[str, str]]) -> None:
    """Refuse an impossible section ``prompts``.

    Args:
        names: name -> training data set -> file.

    Raises:
        SD4MatchError: a name is a family's, a data set teaches no prompts, or two names are one.
    """
    known = sorted(set(TRAINED_ON.values()))
    seen: dict[tuple[tuple[str, Path], ...], str] = {}
    for name, files in names.items():
        if name in KNOWN:
            raise SD4MatchError(f"prompts.{name}: {name} is a prompt family: choose another name")
        if not files:
            raise SD4MatchError(f"prompts.{name}: name a file for some of {', '.join(known)}")
        for data in files:
            require_known(data, known, what="training data", where=f"prompts.{name}")
        same = tuple(
            sorted((data, Path(path).expanduser().resolve()) for data, path in files.items())
        )
        if same in seen:
            raise SD4MatchError(
                f"prompts.{name}: the same files as {seen[same]}: one name is enough"
            )
        seen[same] = name


def check(file: SpaceFile, *, name: str, written: Mapping[str, Any] | None = None) -> Space:
    """Turn a composed file into a `Space`.

    Args:
        file: all settings; defaults are filled in.
        name: of the study, where the file gives none.
        written: the settings before variables of the environment were replaced by their values.

    Raises:
        SD4MatchError: an unknown axis or design, an impossible value.
    """
    check_targets(file)
    file.name = file.name or name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.name):
        raise SD4MatchError(
            f"name: {file.name!r} cannot be a folder: use letters, digits, '.', '_' and '-'"
        )
    if len(file.name) > LONGEST_NAME:
        raise SD4MatchError(
            f"name: {file.name[:20]}… has {len(file.name)} characters: file systems take no"
            f" folder of that name; use at most {LONGEST_NAME}"
        )
    require_known(file.design, DESIGNS, what="design")
    require_known(file.protocol, PROTOCOLS, what="protocol")
    for dataset in file.data.evaluate:
        require_known(dataset, NAMES, what="data set", where="data.evaluate")
    for kind in file.image_encoders:
        require_known(kind, IMAGE_ENCODERS, what="kind of image encoder")
    if not file.data.evaluate:
        raise SD4MatchError(f"data.evaluate is empty: name some of {', '.join(NAMES)}")
    if not file.alphas or not all(0 < alpha < math.inf for alpha in file.alphas):
        raise SD4MatchError(f"alphas: expected numbers above 0, got {file.alphas}")
    if file.margin is not None:
        difference_of(file.margin, where="margin")
    if not 0 < file.factorial.fraction <= 1:
        given = file.factorial.fraction
        raise SD4MatchError(f"factorial.fraction: expected above 0 and up to 1, got {given}")
    file.alphas = list(dict.fromkeys(file.alphas))
    file.data.evaluate = list(dict.fromkeys(file.data.evaluate))
    _at_least_one(file)
    _not_empty(file)
    _possible_places(file)
    check_names(file.prompts)
    axes = read_axes(file)
    space = Space(file, read_baseline(file), axes, read_ties(file, axes), written or asdict(file))
    if file.design == "leave_one_out":
        space = _full(space)
    find(SEED).parse(space.seeds[-1])
    _ = space.baseline  # raises if its values are impossible together
    for backbone in axes.get("backbone", ()):
        architecture(str(backbone))
    check_recipe(space)
    check_search(space)
    check_size(space)
    return space


def warn(space: Space) -> None:
    """Say what is possible in a checked space, but hardly meant.

    Args:
        space: as `check` returns it.
    """
    _warn_of_idle_axes(space)
    localizers = (space.baseline["localizer"], *space.axes.get("localizer", ()))
    if warning := localizer_warning(space.file.protocol, map(str, localizers)):
        log.warning("%s", warning)


def check_recipe(space: Space) -> None:
    """Refuse a recipe that cannot be followed.

    Args:
        space: a checked space, but for its recipe.

    Raises:
        SD4MatchError: an impossible learning-rate schedule, or no number of steps.
    """
    recipe = space.file.recipe
    try:
        steps = [recipe.steps or paper_steps(name) for name in space.training_data]
        check_schedule(
            recipe.schedule,
            warmup_steps=recipe.warmup_steps,
            step_rules=recipe.step_rules,
            steps=min(steps, default=None),
        )
    except SD4MatchError as error:
        raise SD4MatchError(f"recipe: {error}") from None


def _warn_of_idle_axes(space: Space) -> None:
    """Warn of axes that do not apply to the baseline, so that nothing varies."""
    if space.file.design == "one_at_a_time":
        for name in space.axes:
            if space.baseline[name] is None:
                log.warning(
                    "axes.%s varies nothing: it does not apply to the baseline (%s)",
                    name,
                    f"prompt={space.baseline['prompt']}, localizer={space.baseline['localizer']}",
                )


def _full(plain: Space) -> Space:
    """The space around the full setting: every axis has its recommended and its plain value."""
    axes = {}
    for name, recommended in plain.axes.items():
        back = plain.baseline[name] if name == "image_size" else plain.settings[name]
        if len(recommended) > 1:
            raise SD4MatchError(f"axes.{name}: leave_one_out takes one value, the recommended one")
        if recommended == (back,):
            raise SD4MatchError(f"axes.{name}: nothing to leave out: the baseline has {back} too")
        axes[name] = (*recommended, back)
    settings = {**plain.settings, **{name: values[0] for name, values in axes.items()}}
    return Space(plain.file, settings, axes, plain.tied, plain.written)


def _not_empty(file: SpaceFile) -> None:
    """Refuse settings that are an empty text: an empty path would be the working folder."""
    raw: Any = OmegaConf.to_container(OmegaConf.structured(file))
    for name in ("baseline", "axes", "search", "recipe", "name", "tie", "callbacks"):
        del raw[name]  # their values are checked one by one
    for name, value in flatten(raw):
        if isinstance(value, str) and not value.strip():
            raise SD4MatchError(f"{name} is empty: give it a value or leave it out")


def _possible_places(file: SpaceFile) -> None:
    """Refuse paths that no file system takes; the files need not exist."""
    places = {"data.root": file.data.root}
    for name, files in file.prompts.items():
        places |= {f"prompts.{name}.{data}": path for data, path in files.items()}
    for setting, text in places.items():
        try:
            Path(text).expanduser().resolve().exists()
        except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, NUL
            reason = getattr(error, "strerror", None) or error
            raise SD4MatchError(f"{setting}: {text!r} is no possible path ({reason})") from None


def _at_least_one(file: SpaceFile) -> None:
    counts = {
        "seeds": file.seeds,
        "data.pairs": file.data.pairs,
        "recipe.steps": file.recipe.steps,
        "recipe.batch_size": file.recipe.batch_size,
        "search.samples": file.search.samples,
        "search.generation": file.search.generation,
        "batch_size": file.batch_size,
        "resources.cpus_per_trial": file.resources.cpus_per_trial,
    }
    for name, count in counts.items():
        if count is not None and not 1 <= count < 2**31:
            raise SD4MatchError(f"{name}: expected at least 1, below {2**31}, got {count}")
    if not 0 < file.recipe.learning_rate < math.inf:
        raise SD4MatchError(f"recipe.learning_rate: expected above 0, {file.recipe.learning_rate}")
    if file.resources.gpus_per_trial is not None and not (
        0 <= file.resources.gpus_per_trial < math.inf
    ):
        raise SD4MatchError("resources.gpus_per_trial: expected at least 0")
    for name, limit in (("hours", file.budget.hours), ("tflop", file.budget.tflop)):
        if limit is not None and not 0 < limit < math.inf:
            raise SD4MatchError(f"budget.{name}: expected above 0, got {limit:g}")
