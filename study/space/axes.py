"""The axes of a study: what may vary, what each value costs, and when it means anything."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sd4match.datasets.benchmarks import BENCHMARKS
from sd4match.errors import SD4MatchError, require_known
from sd4match.matching.readout import LOCALIZERS
from sd4match.prompts.known import KNOWN, SOURCES, Family, check_template


def integer(low: int, high: int = 2**31 - 1, *, odd: bool = False) -> Callable[[object], int]:
    """A check for whole numbers in a range."""
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
    """A finite number above 0, as a float."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < math.inf:
        raise ValueError("expected a number above 0")
    return float(raw)


def one_of(*names: str) -> Callable[[object], str]:
    """A check for one of some names."""

    def check(raw: object) -> str:
        require_known(raw, names, what="value")
        return str(raw)

    return check


def source(raw: object) -> str:
    """What a cpm prompt reads, such as ``Pair-DINO-Feat``."""
    return one_of(*SOURCES)(raw)


def template(raw: object) -> str:
    """A text with no other place than ``{category}``."""
    checked = text(raw)
    check_template(checked)
    return checked


def text(raw: object) -> str:
    """Any text but the empty one."""
    if not isinstance(raw, str) or not raw:
        raise ValueError("expected a name or a folder")
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
        of_prompts: which prompt families it means something for (a family of None stands for
            prompt files); None for the others, so that one configuration never has two names.
    """

    name: str
    cost: Cost
    check: Callable[[object], Value]
    of_prompts: Callable[[Family | None], bool] = lambda family: True

    def applies(self, prompt: Value) -> bool:
        """Whether it means anything for a prompt family, or for the prompt files of a name."""
        return self.of_prompts(KNOWN.get(str(prompt)))

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


def _option(name: str, cost: Cost, check: Callable[[object], Value]) -> Axis:
    """An axis that is a setting of some prompt families."""
    return Axis(name, cost, check, lambda family: family is not None and name in family.options)


def _training(name: str, check: Callable[[object], Value]) -> Axis:
    """An axis of how a prompt is learned; of prompt files only the data are known, and chosen."""

    def meant(family: Family | None) -> bool:
        return name == "data" if family is None else family.learned

    return Axis(f"train.{name}", "tune", check, meant)


TRAINED_ON: Mapping[str, str] = {name: known.trained_on for name, known in BENCHMARKS.items()}
"""Whose training pairs a data set's own prompt is learned on: PF-Willow has none (docs/explanation/method.md section 1)."""

OWN = "own"
"""``train.data`` of a prompt learned on each data set's own training pairs (docs/explanation/architecture.md, idea 7)."""

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
