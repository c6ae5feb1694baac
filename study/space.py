"""Search spaces: check what a file asks for, and say which configurations that is."""

import itertools
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from sd4match.backbones import architecture
from sd4match.backbones.known import IMAGE_ENCODERS
from sd4match.datasets import NAMES, SPLITS
from sd4match.errors import SD4MatchError, require_known
from sd4match.pck import PROTOCOLS
from study.axes import Configuration, Cost, Value, configure, find
from study.schema import SpaceFile
from study.scoring import Rule
from study.search.settings import check as check_search
from study.space_files import compose_file, find_file

log = logging.getLogger(__name__)

DESIGNS = ("one_at_a_time", "factorial", "search")


@dataclass(frozen=True)
class Space:
    """A checked search space.

    Attributes:
        file: every setting, as written or by default.
        baseline: the configuration that all others are compared with.
        axes: axis name to the values it takes, in the order of the file.
    """

    file: SpaceFile
    baseline: Configuration
    axes: Mapping[str, tuple[Value, ...]]

    @property
    def name(self) -> str:
        """The study's name: its folder in ``results/``."""
        return self.file.name

    @property
    def fidelity(self) -> str:
        """How far this study is from the full protocol, in words for plans and tables."""
        pairs, steps = self.file.data.pairs, self.file.recipe.steps
        said = [] if pairs is None else [f"a seeded subset of {pairs} pairs a split"]
        if self.trains and steps < SpaceFile().recipe.steps:
            said.append(f"{steps:,} tuning steps")
        return ", ".join(said) or "full"

    @property
    def rule(self) -> Rule:
        """How predictions are scored."""
        return Rule(tuple(self.file.alphas), self.file.protocol)

    @property
    def metric(self) -> str | None:
        """What configurations are chosen by, on validation; None if no data set has that split."""
        if self.file.search.metric is not None:
            return self.file.search.metric
        names = [name for name in self.file.data.evaluate if "val" in SPLITS[name]]
        if not names:
            return None
        return f"{names[0] if len(names) == 1 else 'mean'}/val/pck@{self.rule.usual_alpha:g}"

    def to_yaml(self) -> str:
        """Every setting, as a file that `load` reads back."""
        config: DictConfig = OmegaConf.structured(self.file)
        return OmegaConf.to_yaml(config)

    @property
    def trains(self) -> bool:
        """Whether any configuration may have a learned prompt."""
        prompts = (*self.axes.get("prompt", ()), self.baseline["prompt"])
        return any(self.with_values({"prompt": prompt}).learned for prompt in prompts)

    def with_values(self, values: Mapping[str, Value]) -> Configuration:
        """The baseline with some axes set to other values."""
        return _configure(self.file, values)

    def cost(self, axis: str) -> Cost:
        """What a new value of an axis costs here; tied axes move the training as well."""
        tied = self.file.tie and axis in ("timestep", "layer") and self.trains
        return "tune" if tied else find(axis).cost

    def configurations(self) -> Iterator[Configuration]:
        """The distinct configurations of a fixed design, the baseline first.

        ``one_at_a_time`` moves one axis from the baseline; ``factorial`` takes every combination.
        Combinations that are impossible (G + C above 75) are left out with a warning.
        """
        if self.file.design == "one_at_a_time":
            moves: Iterator[dict[str, Value]] = (
                {name: value} for name, values in self.axes.items() for value in values
            )
        else:
            combinations = itertools.product(*self.axes.values())
            moves = (dict(zip(self.axes, values, strict=True)) for values in combinations)
        candidates = itertools.chain([self.baseline], filter(None, map(self.possible, moves)))
        yield from dict.fromkeys(candidates)

    def possible(self, values: Mapping[str, Value]) -> Configuration | None:
        """As `with_values`; None, with a warning, for values that are impossible together."""
        try:
            return self.with_values(values)
        except SD4MatchError as error:  # each value is possible; these together are not
            given = ", ".join(f"{name}={value}" for name, value in values.items())
            log.warning("left out %s: %s", given, error)
            return None


def load(space: str, overrides: Sequence[str] = ()) -> Space:
    """Read and check a search space.

    Args:
        space: a name in ``./search_spaces`` or among the shipped ones, or a path to a YAML file.
        overrides: Hydra overrides, ``key=value``.

    Returns:
        The checked space.

    Raises:
        SD4MatchError: file not found, an unknown setting or axis, an impossible value.
    """
    path = find_file(space)
    return check(compose_file(path, overrides), source=str(path))


def check(file: SpaceFile, *, source: str) -> Space:
    """Turn a composed file into a `Space`.

    Raises:
        SD4MatchError: an unknown axis or design, an impossible value; names ``source``.
    """
    file.name = file.name or Path(source).stem
    try:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.name):
            raise SD4MatchError(
                f"name: {file.name!r} cannot be a folder: use letters, digits, '.', '_' and '-'"
            )
        require_known(file.design, DESIGNS, what="design")
        require_known(file.protocol, PROTOCOLS, what="protocol")
        for dataset in file.data.evaluate:
            require_known(dataset, NAMES, what="data set", where="data.evaluate")
        for kind in file.image_encoders:
            require_known(kind, IMAGE_ENCODERS, what="kind of image encoder")
        if not file.data.evaluate:
            raise SD4MatchError(f"data.evaluate is empty: name some of {', '.join(NAMES)}")
        if not file.alphas or not 0 < min(file.alphas) <= max(file.alphas) < math.inf:
            raise SD4MatchError(f"alphas: expected numbers above 0, got {file.alphas}")
        file.alphas = list(dict.fromkeys(file.alphas))
        file.data.evaluate = list(dict.fromkeys(file.data.evaluate))
        _at_least_one(file)
        axes = {name: _axis_values(name, raw) for name, raw in _flatten(file.axes)}
        for name in ("timestep", "layer"):
            if file.tie and f"train.{name}" in axes:
                raise SD4MatchError(f"axes.train.{name}: tie=true already ties it to {name}")
        space = Space(file=file, baseline=_configure(file, {}), axes=axes)
        check_search(space)
    except SD4MatchError as error:
        raise SD4MatchError(f"search space {source}: {error}") from None
    return space


def _configure(file: SpaceFile, values: Mapping[str, Value]) -> Configuration:
    raw: Any = OmegaConf.to_container(OmegaConf.structured(file.baseline))
    settings = {**dict(_flatten(raw)), **values}
    if settings["image_size"] is None:
        settings["image_size"] = architecture(str(settings["backbone"])).image_size
    parsed = {name: find(name).parse(value) for name, value in settings.items()}
    return configure(parsed, tie=file.tie)


def _axis_values(name: str, raw: object) -> tuple[Value, ...]:
    values = raw if isinstance(raw, list) else [raw]
    if not values:
        raise SD4MatchError(f"axes.{name}: no values; give some or leave the axis out")
    return tuple(dict.fromkeys(find(name).parse(value) for value in values))


def _flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _at_least_one(file: SpaceFile) -> None:
    counts = {
        "data.pairs": file.data.pairs,
        "recipe.steps": file.recipe.steps,
        "recipe.batch_size": file.recipe.batch_size,
        "search.samples": file.search.samples,
        "search.generation": file.search.generation,
        "batch_size": file.batch_size,
        "resources.cpus_per_trial": file.resources.cpus_per_trial,
    }
    for name, count in counts.items():
        if count is not None and count < 1:
            raise SD4MatchError(f"{name}: expected at least 1, got {count}")
    if not 0 < file.recipe.learning_rate < math.inf:
        raise SD4MatchError(f"recipe.learning_rate: expected above 0, {file.recipe.learning_rate}")
    if file.resources.gpus_per_trial is not None and file.resources.gpus_per_trial < 0:
        raise SD4MatchError("resources.gpus_per_trial: expected at least 0")
