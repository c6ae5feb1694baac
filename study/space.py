"""Search spaces: check what a file asks for, and say which configurations that is."""

import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from sd4match.backbones import architecture
from sd4match.backbones.known import IMAGE_ENCODERS
from sd4match.datasets import NAMES, SPLITS
from sd4match.errors import SD4MatchError, require_known
from sd4match.pck import PROTOCOLS
from study.axes import OWN, TRAINED_ON, Configuration, Cost, Value, configure, find
from study.designs import DESIGNS
from study.mirror import local
from study.prompt_files import check_names
from study.schema import SpaceFile
from study.scoring import Rule
from study.search.settings import check as check_search
from study.space_axes import read_axes, read_baseline, read_ties
from study.space_files import compose_file, find_file

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Space:
    """A checked search space.

    Attributes:
        file: every setting, as written or by default.
        settings: the baseline's value of every axis, whether or not it means something there.
        axes: axis name to the values it takes, in the order of the file.
        tied: the evaluation axes that training follows.
    """

    file: SpaceFile
    settings: Mapping[str, Value]
    axes: Mapping[str, tuple[Value, ...]]
    tied: tuple[str, ...] = ()
    _left_out: set[str] = field(default_factory=set, compare=False)
    _image_sizes: dict[str, int] = field(default_factory=dict, compare=False)

    @cached_property
    def baseline(self) -> Configuration:
        """The configuration that all others are compared with."""
        return self.with_values({})

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
        """The baseline with some axes set to other checked values.

        Raises:
            SD4MatchError: values that are impossible together.
        """
        settled = {**self.settings, **values}
        if settled["image_size"] is None:
            settled["image_size"] = self._image_size(str(settled["backbone"]))
        # Where all data sets have one teacher, naming it is no other question than "own".
        if {settled["train.data"]} == {TRAINED_ON[name] for name in self.file.data.evaluate}:
            settled["train.data"] = OWN
        return configure(settled, tie=self.tied)

    def cost(self, axis: str) -> Cost:
        """What a new value of an axis costs here; tied axes move the training as well."""
        return "tune" if axis in self.tied and self.trains else find(axis).cost

    @cached_property
    def free(self) -> Mapping[str, tuple[Value, ...]]:
        """The axes that every pass answers at all their values."""
        return {name: v for name, v in self.axes.items() if self.cost(name) == "free"}

    @cached_property
    def paid(self) -> Mapping[str, tuple[Value, ...]]:
        """The axes of which a new value costs a pass or a prompt."""
        return {name: v for name, v in self.axes.items() if name not in self.free}

    def configurations(self) -> Iterator[Configuration]:
        """The distinct configurations of the design, the baseline first.

        Combinations that are impossible (G + C above 75) are left out with a warning.
        """
        yield from dict.fromkeys((self.baseline, *DESIGNS[self.file.design](self)))

    def possible(self, values: Mapping[str, Value]) -> Configuration | None:
        """As `with_values`; None, with a warning, for values that are impossible together."""
        try:
            return self.with_values(values)
        except SD4MatchError as error:  # each value is possible; these together are not
            if str(error) not in self._left_out:  # once, not with every value of every other axis
                self._left_out.add(str(error))
                given = ", ".join(f"{name}={value}" for name, value in values.items())
                log.warning("left out %s: %s", given, error)
            return None

    def _image_size(self, backbone: str) -> int:
        if backbone not in self._image_sizes:
            self._image_sizes[backbone] = architecture(backbone).image_size
        return self._image_sizes[backbone]


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
        if not file.alphas or not all(0 < alpha < math.inf for alpha in file.alphas):
            raise SD4MatchError(f"alphas: expected numbers above 0, got {file.alphas}")
        if not 0 < file.factorial.fraction <= 1:
            given = file.factorial.fraction
            raise SD4MatchError(f"factorial.fraction: expected above 0 and up to 1, got {given}")
        file.alphas = list(dict.fromkeys(file.alphas))
        file.data.evaluate = list(dict.fromkeys(file.data.evaluate))
        _at_least_one(file)
        _possible_places(file)
        check_names(file.prompts)
        axes = read_axes(file)
        space = Space(file, read_baseline(file), axes, read_ties(file, axes))
        if file.design == "leave_one_out":
            space = _full(space)
        _ = space.baseline  # refused here where its values are impossible together
        for backbone in axes.get("backbone", ()):
            architecture(str(backbone))
        check_search(space)
        _tell_idle_axes(space)
        if file.callbacks:  # which needs Ray
            from study.engine.callbacks import check as check_callbacks

            check_callbacks(file.callbacks)
    except SD4MatchError as error:
        raise SD4MatchError(f"search space {source}: {error}") from None
    return space


def _tell_idle_axes(space: Space) -> None:
    """Warn of axes that cannot move away from a baseline for which they mean nothing."""
    if space.file.design == "one_at_a_time":
        for name in space.axes:
            if space.baseline[name] is None:
                log.warning(
                    "axes.%s varies nothing: it means nothing for the baseline (%s)",
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
    return Space(plain.file, settings, axes, plain.tied)


def _possible_places(file: SpaceFile) -> None:
    """Refuse names that no file system takes; nothing needs to be there."""
    places = {"data.root": file.data.root, "results": file.results}
    for name, files in file.prompts.items():
        places |= {f"prompts.{name}.{data}": path for data, path in files.items()}
    for setting, text in places.items():
        try:
            (local(text) if setting == "results" else Path(text).expanduser().resolve()).exists()
        except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, NUL
            reason = getattr(error, "strerror", None) or error
            raise SD4MatchError(f"{setting}: {text!r} names no place ({reason})") from None


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
        if count is not None and not 1 <= count < 2**31:
            raise SD4MatchError(f"{name}: expected at least 1, below {2**31}, got {count}")
    if not 0 < file.recipe.learning_rate < math.inf:
        raise SD4MatchError(f"recipe.learning_rate: expected above 0, {file.recipe.learning_rate}")
    if file.resources.gpus_per_trial is not None and not (
        0 <= file.resources.gpus_per_trial < math.inf
    ):
        raise SD4MatchError("resources.gpus_per_trial: expected at least 0")
