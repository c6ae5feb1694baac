"""The axes of a study: what may vary, what each value costs, and when it means anything."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from sd4match.datasets import NAMES
from sd4match.errors import SD4MatchError, require_known
from sd4match.readouts import LOCALIZERS, Readout

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
        of_prompts: which prompt families it means something for; None for the others, so that one
            configuration never has two names.
    """

    name: str
    cost: Cost
    check: Callable[[object], Value]
    of_prompts: Callable[[type["Prompt"]], bool] = lambda family: True

    def applies(self, prompt: Value) -> bool:
        """Whether it means anything for a prompt family."""
        return self.of_prompts(_families()[str(prompt)])

    def parse(self, raw: object) -> Value:
        """Validate one value of this axis.

        Raises:
            SD4MatchError: when the value is impossible; the message says what is allowed.
        """
        try:
            return self.check(raw)
        except SD4MatchError as error:
            raise SD4MatchError(f"axis {self.name}: {error}") from None
        except (ValueError, TypeError) as error:
            raise SD4MatchError(f"axis {self.name}: {raw!r} is impossible: {error}") from None


def _integer(low: int, high: int | None = None, *, odd: bool = False) -> Callable[[object], Value]:
    what = "an odd integer" if odd else "an integer"
    allowed = f"{what} from {low} to {high}" if high is not None else f"{what} of at least {low}"

    def check(raw: object) -> Value:
        # True would pass for 1, and 2.5 would be cut to 2.
        whole = isinstance(raw, int | float) and not isinstance(raw, bool) and raw == int(raw)
        value = int(raw) if whole else None  # type: ignore[call-overload]
        if value is None or value < low or (high is not None and value > high):
            raise ValueError(f"expected {allowed}")
        if odd and value % 2 == 0:
            raise ValueError(f"expected {allowed}")
        return int(value)

    return check


def _positive(raw: object) -> Value:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < math.inf:
        raise ValueError("expected a number above 0")
    return float(raw)


def _one_of(*names: str) -> Callable[[object], Value]:
    def check(raw: object) -> Value:
        require_known(raw, names, what="value")
        return str(raw)

    return check


def _source(raw: object) -> Value:
    from sd4match.prompts.cpm import SOURCES

    return _one_of(*SOURCES)(raw)


def _template(raw: object) -> Value:
    from sd4match.prompts import TextPrompt

    return TextPrompt(str(_text(raw))).template


def _text(raw: object) -> Value:
    if not isinstance(raw, str) or not raw:
        raise ValueError("expected a name or a folder")
    return raw


def _families() -> Mapping[str, type["Prompt"]]:
    # Imported when a value is checked, not before: it takes torch with it, and reading a study's
    # answers needs the axes' names only.
    from sd4match.prompts import FAMILIES

    return FAMILIES


def _option(name: str, cost: Cost, check: Callable[[object], Value]) -> Axis:
    """An axis that is a setting of some prompt families."""
    return Axis(name, cost, check, of_prompts=lambda family: name in family.options)


def _training(name: str, check: Callable[[object], Value]) -> Axis:
    return Axis(f"train.{name}", "tune", check, of_prompts=lambda family: family.learned)


OWN = "own"
"""``train.data`` of a prompt learned on each data set's own training pairs (DESIGN.md, idea 7)."""

AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("backbone", "tune", _text),
        Axis("prompt", "tune", lambda raw: _one_of(*_families())(raw)),
        _option("template", "extract", _template),
        _option("length", "tune", _integer(1, 75)),
        _option("source", "tune", _source),
        _option("global_length", "tune", _integer(0, 74)),
        _option("content_length", "tune", _integer(1, 75)),
        _training("data", _one_of(OWN, "pf_pascal", "spair")),
        _training("timestep", _integer(0, 999)),
        _training("layer", _integer(0, 3)),
        _training("kernel_size", _integer(3, odd=True)),
        Axis("seed", "tune", _integer(0)),
        Axis("image_size", "extract", _integer(8)),
        Axis("timestep", "extract", _integer(0, 999)),
        Axis("ensemble", "extract", _integer(1)),
        Axis("fusion", "extract", _one_of("none", "dino")),
        Axis("layer", "free", _integer(0, 3)),
        Axis("localizer", "free", _one_of(*LOCALIZERS)),
        Axis("kernel", "free", _positive),
        Axis("temperature", "free", _positive),
    )
}

TRAINED_ON: Mapping[str, str] = dict(zip(NAMES, ("pf_pascal", "pf_pascal", "spair"), strict=True))
"""Whose training pairs a data set's own prompt is learned on: PF-Willow has none (METHOD.md 1)."""


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
        return self.as_dict[name]

    @cached_property
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
        return _families()[str(self["prompt"])].learned

    @property
    def readout(self) -> Readout:
        """How its matches are read from a correlation map."""
        kernel, temperature = self["kernel"], self["temperature"]
        return Readout(
            localizer=str(self["localizer"]),
            kernel_sigma=None if kernel is None else float(kernel),
            temperature=None if temperature is None else float(temperature),
        )

    def training_data(self, dataset: str) -> str | None:
        """The data set whose prompt is used on ``dataset``; None for prompts that are not learned.

        Source: DESIGN.md, idea 7 (``trained_on``).
        """
        data = self["train.data"]
        return TRAINED_ON[dataset] if data == OWN else None if data is None else str(data)


def configure(values: Mapping[str, Value], *, tie: bool = False) -> Configuration:
    """The canonical configuration of these values: equal questions get equal configurations.

    Args:
        values: a checked value for every axis.
        tie: train at the evaluation's timestep and layer (DESIGN.md, idea 1).

    Returns:
        The configuration; settings that mean nothing for it are None.

    Raises:
        SD4MatchError: values that are impossible together.
    """
    from sd4match.prompts.cpm import check_lengths

    settled = dict(values)
    if tie:
        settled["train.timestep"], settled["train.layer"] = settled["timestep"], settled["layer"]
    prompt = settled["prompt"]
    settled.update({name: None for name, axis in AXES.items() if not axis.applies(prompt)})
    n_global, n_content = settled["global_length"], settled["content_length"]
    if isinstance(n_global, int) and isinstance(n_content, int):
        check_lengths(n_global, n_content)
    if settled["localizer"] != "kernel_softmax":
        settled["kernel"] = None
    if settled["localizer"] not in ("softmax", "kernel_softmax"):
        settled["temperature"] = None
    return Configuration(tuple(settled[name] for name in AXES))
