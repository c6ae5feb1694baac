"""The axes of a study: what may vary, what each value costs, and when it means anything."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal

from sd4match.datasets import BENCHMARKS
from sd4match.errors import SD4MatchError, require_known
from sd4match.readouts import LOCALIZERS, Readout
from study.axis_values import integer, one_of, positive, source, template, text

if TYPE_CHECKING:
    from sd4match.prompts import Prompt

Value = str | int | float | None
Cost = Literal["tune", "extract", "free"]


@dataclass(frozen=True)
class Axis:
    """One setting that a study may vary.

    Attributes:
        name: as written in search spaces and table columns.
        cost: what a new value costs: ``tune`` (a prompt must be learned), ``extract`` (a new UNet
            pass) or ``free`` (read from the same pass). DESIGN.md, idea 1.
        check: turns what the user wrote into the value, or raises ``ValueError`` (or
            `SD4MatchError` for names) saying what is allowed.
        of_prompts: which prompt families it means something for (a family of None stands for
            prompt files); None for the others, so that one configuration never has two names.
    """

    name: str
    cost: Cost
    check: Callable[[object], Value]
    of_prompts: Callable[[type["Prompt"] | None], bool] = lambda family: True

    def applies(self, prompt: Value) -> bool:
        """Whether it means anything for a prompt family, or for the prompt files of a name."""
        return self.of_prompts(families().get(str(prompt)))

    def parse(self, raw: object) -> Value:
        """Validate one value of this axis.

        Raises:
            SD4MatchError: when the value is impossible; the message says what is allowed.
        """
        try:
            return self.check(raw)
        except SD4MatchError as error:
            raise SD4MatchError(f"axis {self.name}: {error}") from None
        except (ValueError, TypeError, OverflowError) as error:
            raise SD4MatchError(f"axis {self.name}: {raw!r} is impossible: {error}") from None


def families() -> Mapping[str, type["Prompt"]]:
    """The prompt families; any other prompt of a configuration is the name of prompt files."""
    # Imported when a value is checked, not before: it takes torch with it, and reading a study's
    # answers needs the axes' names only.
    from sd4match.prompts import FAMILIES

    return FAMILIES


def _option(name: str, cost: Cost, check: Callable[[object], Value]) -> Axis:
    """An axis that is a setting of some prompt families."""
    return Axis(name, cost, check, lambda family: family is not None and name in family.options)


def _training(name: str, check: Callable[[object], Value]) -> Axis:
    """An axis of how a prompt is learned; of prompt files only the data are known, and chosen."""

    def meant(family: type["Prompt"] | None) -> bool:
        return name == "data" if family is None else family.learned

    return Axis(f"train.{name}", "tune", check, meant)


TRAINED_ON: Mapping[str, str] = {name: known.trained_on for name, known in BENCHMARKS.items()}
"""Whose training pairs a data set's own prompt is learned on: PF-Willow has none (METHOD.md 1)."""

OWN = "own"
"""``train.data`` of a prompt learned on each data set's own training pairs (DESIGN.md, idea 7)."""

AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("backbone", "tune", text),
        Axis("prompt", "tune", lambda raw: one_of(*families())(raw)),
        _option("template", "extract", template),
        _option("length", "tune", integer(1, 75)),
        _option("source", "tune", source),
        _option("global_length", "tune", integer(0, 74)),
        _option("content_length", "tune", integer(1, 75)),
        _training("data", one_of(OWN, *dict.fromkeys(TRAINED_ON.values()))),
        _training("timestep", integer(0, 999)),
        _training("layer", integer(0, 3)),
        _training("kernel_size", integer(3, odd=True)),
        Axis("seed", "tune", integer(0)),
        Axis("image_size", "extract", integer(8)),
        Axis("timestep", "extract", integer(0, 999)),
        Axis("ensemble", "extract", integer(1)),
        Axis("fusion", "extract", one_of("none", "dino")),
        Axis("layer", "free", integer(0, 3)),
        Axis("localizer", "free", one_of(*LOCALIZERS)),
        Axis("kernel", "free", positive),
        Axis("temperature", "free", positive),
    )
}


def find(name: str) -> Axis:
    """The axis of this name.

    Raises:
        SD4MatchError: when there is none; the message names the nearest.
    """
    require_known(name, AXES, what="axis")
    return AXES[name]


@dataclass(frozen=True)
class Configuration:
    """One point of the space: a value for every axis, None where the axis means nothing.

    Build it with `configure`, which makes equal questions equal configurations.

    Attributes:
        values: the axes' values in the order of `AXES`.
    """

    values: tuple[Value, ...]

    def __getitem__(self, name: str) -> Value:
        return self.values[_PLACES[name]]

    # Not kept: a plan holds 100,000 of these.
    @property
    def as_dict(self) -> dict[str, Value]:
        """Axis name to value, in the order of `AXES`."""
        return dict(zip(AXES, self.values, strict=True))

    @cached_property
    def key(self) -> str:
        """Ten hexadecimal digits that name this configuration in every study and table."""
        # Only what means something: an axis for other prompts, added later, does not rename it.
        meant = {name: value for name, value in self.as_dict.items() if value is not None}
        return hashlib.sha256(json.dumps(meant).encode()).hexdigest()[:10]

    @property
    def learned(self) -> bool:
        """Whether its prompt must be tuned."""
        family = families().get(str(self["prompt"]))
        return family is not None and family.learned

    @property
    def paid(self) -> tuple[Value, ...]:
        """The values of all axes that are not free: what decides which passes are needed."""
        return tuple(self.values[place] for place in _PAID)

    @property
    def unseeded(self) -> tuple[Value, ...]:
        """The values of all axes but the seed: those that have the same are chosen together."""
        return self.values[:_SEED] + self.values[_SEED + 1 :]

    @property
    def readout(self) -> Readout:
        """How its matches are read from a correlation map."""
        return _readout(self["localizer"], self["kernel"], self["temperature"])

    def training_data(self, dataset: str) -> str | None:
        """The data set whose prompt is used on ``dataset``; None for prompts that are not learned.

        Source: DESIGN.md, idea 7 (``trained_on``).
        """
        data = self["train.data"]
        return TRAINED_ON[dataset] if data == OWN else None if data is None else str(data)


_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(AXES)}
_SEED = _PLACES["seed"]
_PAID = tuple(_PLACES[name] for name, axis in AXES.items() if axis.cost != "free")


@cache  # equal readouts are one object
def _readout(localizer: Value, kernel: Value, temperature: Value) -> Readout:
    assert not isinstance(kernel, str)
    assert not isinstance(temperature, str)
    return Readout(str(localizer), kernel, temperature)


@cache
def _meaningless(prompt: Value) -> Mapping[str, None]:
    """The axes that say nothing about a prompt."""
    return {name: None for name, axis in AXES.items() if not axis.applies(prompt)}


TIES: Mapping[str, str] = {"timestep": "train.timestep", "layer": "train.layer"}
"""Evaluation axes that a training axis can be tied to."""


def configure(values: Mapping[str, Value], *, tie: Collection[str] = ()) -> Configuration:
    """The canonical configuration of these values: equal questions get equal configurations.

    Args:
        values: a checked value for every axis.
        tie: names in `TIES`: train at the evaluation's timestep, or layer (DESIGN.md, idea 1).

    Returns:
        The configuration; settings that mean nothing for it are None.

    Raises:
        SD4MatchError: values that are impossible together.
    """
    from sd4match.prompts.cpm import check_lengths

    settled = dict(values)
    for name in tie:
        settled[TIES[name]] = settled[name]
    settled.update(_meaningless(settled["prompt"]))
    n_global, n_content = settled["global_length"], settled["content_length"]
    if isinstance(n_global, int) and isinstance(n_content, int):
        check_lengths(n_global, n_content)
    if settled["localizer"] != "kernel_softmax":
        settled["kernel"] = None
    if settled["localizer"] not in ("softmax", "kernel_softmax"):
        settled["temperature"] = None
    return Configuration(tuple(settled[name] for name in AXES))
