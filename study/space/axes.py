"""The axes of a study: the values they take, what a new value costs, and when they apply."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sd4match.datasets.benchmarks import BENCHMARKS
from sd4match.errors import SD4MatchError, require_known
from sd4match.matching.readout import LOCALIZERS, OUTPUT, layer_at, names_of
from sd4match.prompts.family_facts import KNOWN, SOURCES, Family, check_template


def integer(low: int, high: int = 2**31 - 1, *, odd: bool = False) -> Callable[[object], int]:
    """Make a check for whole numbers in a range.

    Args:
        low, high: the smallest and the largest number.
        odd: whether the number must be odd.

    Returns:
        A function that returns the number, or raises ``ValueError``.
    """
    allowed = f"{'an odd' if odd else 'an'} integer from {low} to {high}"

    def check(raw: object) -> int:
        # True would pass for 1, and 2.5 would be cut to 2.
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not float(raw).is_integer():
            raise ValueError(f"expected {allowed}")
        value = int(raw)
        if value < low or value > high or (odd and value % 2 == 0):
            raise ValueError(f"expected {allowed}")
        return value

    return check


def positive(raw: object) -> float:
    """Check a finite number above 0; returns a float."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < math.inf:
        raise ValueError("expected a number above 0")
    return float(raw)


def boolean(raw: object) -> bool:
    """Check true or false."""
    if not isinstance(raw, bool):
        raise ValueError("expected true or false")
    return raw


def one_of(*names: str) -> Callable[[object], str]:
    """Make a check for one of some names.

    Args:
        names: the allowed ones.

    Returns:
        A function that returns the name, or raises `SD4MatchError`.
    """

    def check(raw: object) -> str:
        require_known(raw, names, what="value")
        return str(raw)

    return check


def place(raw: object) -> str:
    """Check a place inside a layer: ``output``, or the number of a resnet from 1."""
    _, name = names_of(layer_at(0, str(raw)))
    return name


def source(raw: object) -> str:
    """Check the source of a cpm prompt, such as ``Pair-DINO-Feat``."""
    return one_of(*SOURCES)(raw)


def template(raw: object) -> str:
    """Check the text of a ``text`` prompt: no field but ``{category}``."""
    checked = text(raw)
    check_template(checked)
    return checked


def text(raw: object) -> str:
    """Check a text: not empty."""
    if not isinstance(raw, str) or not raw:
        raise ValueError("expected a text: put it in quotes")
    return raw


Value = str | int | float | None
Cost = Literal["tune", "extract", "free"]


@dataclass(frozen=True)
class Axis:
    """One setting that a study may vary.

    Attributes:
        name: as written in search spaces and table columns.
        cost: what a new value costs: ``tune`` (a prompt must be learned), ``extract`` (a new UNet
            pass) or ``free`` (read from the same pass). docs/explanation/architecture.md, idea 1.
        check: turns what the user wrote into the value, or raises ``ValueError`` (or
            `SD4MatchError` for names) saying what is allowed.
        of_prompts: which prompt families it applies to (None stands for prompt files). Its value
            is None for the others, so that one configuration never has two names.
        neutral: value that changes nothing; it is left out of the keys of configurations, which
            are the same as before the axis existed.
    """

    name: str
    cost: Cost
    check: Callable[[object], Value]
    of_prompts: Callable[[Family | None], bool] = lambda family: True
    neutral: Value = None

    def applies(self, prompt: Value) -> bool:
        """Whether it applies to a prompt.

        Args:
            prompt: a family, or a name of prompt files.
        """
        return self.of_prompts(KNOWN.get(str(prompt)))

    def parse(self, raw: object) -> Value:
        """Check one value of this axis.

        Args:
            raw: as the user wrote it.

        Returns:
            The value.

        Raises:
            SD4MatchError: an impossible value; the message says what is allowed.
        """
        try:
            return self.check(raw)
        except SD4MatchError as error:
            raise SD4MatchError(f"axis {self.name}: {error}") from None
        except (ValueError, TypeError, OverflowError) as error:
            raise SD4MatchError(f"axis {self.name}: {raw!r} is impossible: {error}") from None


def _option(name: str, cost: Cost, check: Callable[[object], Value]) -> Axis:
    """An axis that is a setting of some prompt families."""
    return Axis(name, cost, check, lambda family: family is not None and name in family.options)


def _training(name: str, check: Callable[[object], Value], neutral: Value = None) -> Axis:
    """An axis of training; for prompt files only the training data apply, which are chosen."""

    def applies(family: Family | None) -> bool:
        return name == "data" if family is None else family.learned

    return Axis(f"train.{name}", "tune", check, applies, neutral)


TRAINED_ON: Mapping[str, str] = {name: known.trained_on for name, known in BENCHMARKS.items()}
"""Data set -> the one whose training pairs its own prompt is learned on.

PF-Willow has no training pairs (docs/explanation/method.md section 1).
"""

OWN = "own"
"""``train.data`` of a prompt that is learned on each data set's own training pairs.

See docs/explanation/architecture.md, idea 7.
"""

SEED = "seed"
"""The one axis that a file cannot vary by values: ``seeds: 3`` repeats every configuration."""

AXES: Mapping[str, Axis] = {
    axis.name: axis
    for axis in (
        Axis("backbone", "tune", text),
        Axis("prompt", "tune", lambda raw: one_of(*KNOWN)(raw)),
        _option("template", "extract", template),
        _option("length", "tune", integer(1, 75)),
        _option("source", "tune", source),
        _option("global_length", "tune", integer(0, 74)),
        _option("content_length", "tune", integer(1, 75)),
        _training("data", one_of(OWN, *dict.fromkeys(TRAINED_ON.values()))),
        _training("timestep", integer(0, 999)),
        _training("layer", integer(0, 3)),
        _training("kernel_size", integer(3, odd=True)),
        _training("fusion", one_of("none", "dino"), neutral="none"),
        _training("l2_normalize", boolean, neutral=True),
        Axis(SEED, "tune", integer(0)),
        Axis("image_size", "extract", integer(8)),
        Axis("timestep", "extract", integer(0, 999)),
        Axis("ensemble", "extract", integer(1)),
        Axis("fusion", "extract", one_of("none", "dino")),
        Axis("layer", "free", integer(0, 3)),
        Axis("place", "free", place, neutral=OUTPUT),
        Axis("localizer", "free", one_of(*LOCALIZERS)),
        Axis("kernel", "free", positive),
        Axis("temperature", "free", positive),
        Axis("l2_normalize", "free", boolean, neutral=True),
    )
}


def find(name: str) -> Axis:
    """The axis of a name.

    Args:
        name: such as ``train.layer``.

    Raises:
        SD4MatchError: no such axis; the message names the nearest.
    """
    require_known(name, AXES, what="axis")
    return AXES[name]
