"""Readout settings: how a position is read from a correlation map.

docs/explanation/method.md section 1. Does not load torch, so that planning a study needs no model.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

from sd4match.errors import SD4MatchError, require_known

DENSE = "dense"
CELL_LOCALIZERS = ("nearest", "bilinear", "softmax", "kernel_softmax")
"""Those that read positions in cells; `match_many` answers any number of them."""
LOCALIZERS = (*CELL_LOCALIZERS, DENSE)


@dataclass(frozen=True, order=True)
class Readout:
    """One way to read a position from a correlation map.

    A setting that the localizer does not use becomes None, so that equal readouts compare equal.

    Args:
        localizer: "nearest" (arg-max), "bilinear" (arg-max for each of the query's four corner
            cells, interpolated), "softmax" (expectation), "kernel_softmax" (expectation after a
            Gaussian around the arg-max) or "dense" (the most similar pixel of the image, by
            upsampled features, as DIFT matches).
        kernel_sigma: width of that Gaussian in target cells; kernel_softmax only.
        temperature: divisor of the correlations before either softmax.
        l2_normalize: correlate by cosine similarity, not by dot product. Features that are fused
            with DINO's are normalized already: prediction ignores it for them.

    Raises:
        SD4MatchError: unknown localizer, a number that is not positive and finite, or no boolean.

    Example:
        >>> Readout("softmax")
        Readout(localizer='softmax', kernel_sigma=None, temperature=0.04, l2_normalize=True)
    """

    localizer: str = "kernel_softmax"
    kernel_sigma: float | None = 7.0
    temperature: float | None = 0.04
    l2_normalize: bool = True

    def __post_init__(self) -> None:
        require_known(self.localizer, LOCALIZERS, what="localizer")
        for name, used in (
            ("kernel_sigma", self.localizer == "kernel_softmax"),
            ("temperature", self.localizer in ("softmax", "kernel_softmax")),
        ):
            value = positive(name, getattr(self, name)) if used else None
            object.__setattr__(self, name, value)
        if not isinstance(self.l2_normalize, bool):
            raise SD4MatchError(f"l2_normalize is {self.l2_normalize!r}: it must be True or False")


OUTPUT = "output"
"""Name of the usual place: the output of the whole up block."""


class Place(NamedTuple):
    """A place inside an up block of the UNet, before its upsampler.

    docs/explanation/method.md section 8.

    Attributes:
        block: the up block, 0 to 3.
        number: the features after this resnet and its attention; 1 is the block's first.
    """

    block: int
    number: int

    def __str__(self) -> str:
        return f"{self.block} place {self.number}"


Layer = int | Place
"""Where features are read: the output of an up block, by its number, or a place inside one."""


def layer_at(block: int, place: str | None) -> Layer:
    """Return the layer with these two names, the inverse of `names_of`.

    Args:
        block: the up block, 0 to 3.
        place: "output", or the number of a place as text; None is "output".

    Returns:
        The layer.

    Raises:
        SD4MatchError: ``place`` is no such name.
    """
    if place is None or place == OUTPUT:
        return block
    if not re.fullmatch("[1-9][0-9]*", place):
        raise SD4MatchError(f"place {place!r}: use output, or the number of a resnet: 1, 2 or 3")
    return Place(block, int(place))


def names_of(layer: Layer) -> tuple[int, str]:
    """Return the up block of a layer and the name of the place in it.

    Args:
        layer: a layer.

    Returns:
        Such as (1, "output"), or (1, "2").
    """
    return (layer.block, str(layer.number)) if isinstance(layer, Place) else (layer, OUTPUT)


def depth(layer: Layer) -> tuple[int, float]:
    """Return a sort key: a pass to one layer also computes those with a smaller key."""
    return (layer.block, layer.number) if isinstance(layer, Place) else (layer, math.inf)


Setting = tuple[Layer, Readout]
"""UNet layer and readout: one pass answers any number of them."""


def deepest(settings: Iterable[Setting]) -> Layer:
    """Return the layer at which a pass can end that answers all of these settings.

    Args:
        settings: at least one.
    """
    return max((layer for layer, _ in settings), key=depth)


def positive(name: str, value: object) -> float:
    """Return a setting as a float.

    Raises:
        SD4MatchError: the value is not a finite number above 0.
    """
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not 0 < number < math.inf:
        raise SD4MatchError(f"{name} is {value!r}: it must be a finite number above 0")
    return number
