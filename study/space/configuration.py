"""Configurations: one value per axis; those with the same effect compare equal."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from sd4match.matching.readout import Layer, Readout, layer_at
from sd4match.prompts.family_facts import KNOWN, check_lengths
from study.space.axes import AXES, OWN, SEED, TRAINED_ON, Value


@dataclass(frozen=True)
class Configuration:
    """A value for every axis, None where the axis does not apply.

    Make it with `configure`, which gives equal questions equal configurations.

    Attributes:
        values: the axes' values in the order of `AXES`.
    """

    values: tuple[Value, ...]

    def __getitem__(self, name: str) -> Value:
        return self.values[_PLACES[name]]

    # Not cached: a plan holds 100,000 of these.
    @property
    def as_dict(self) -> dict[str, Value]:
        """Axis name to value, in the order of `AXES`."""
        return dict(zip(AXES, self.values, strict=True))

    @cached_property
    def key(self) -> str:
        """Ten hexadecimal digits that name this configuration in every study and table."""
        # Only what makes a difference: an axis that was added later does not rename it.
        applying = {
            name: value
            for (name, axis), value in zip(AXES.items(), self.values, strict=True)
            if value is not None and value != axis.neutral
        }
        return hashlib.sha256(json.dumps(applying).encode()).hexdigest()[:10]

    @property
    def learned(self) -> bool:
        """Whether its prompt must be tuned."""
        family = KNOWN.get(str(self["prompt"]))
        return family is not None and family.learned

    @property
    def paid(self) -> tuple[Value, ...]:
        """The values of all axes that are not free: they decide which passes are needed."""
        return tuple(self.values[place] for place in _PAID)

    @property
    def unseeded(self) -> tuple[Value, ...]:
        """The values of all axes but the seed; equal ones are chosen together."""
        return self.values[:_SEED] + self.values[_SEED + 1 :]

    def with_seed(self, seed: int) -> "Configuration":
        """The same setting with another seed."""
        return Configuration((*self.values[:_SEED], seed, *self.values[_SEED + 1 :]))

    @property
    def read_at(self) -> Layer:
        """Where its features are read."""
        block = self["layer"]
        assert isinstance(block, int)
        return layer_at(block, str(self["place"]))

    @property
    def readout(self) -> Readout:
        """How its matches are read from a correlation map."""
        return _readout(
            self["localizer"], self["kernel"], self["temperature"], self["l2_normalize"]
        )

    def training_data(self, dataset: str) -> str | None:
        """The data set whose prompt is used on another (docs/explanation/architecture.md, idea 7).

        Args:
            dataset: that is evaluated.

        Returns:
            None for prompts that are not learned.
        """
        data = self["train.data"]
        return TRAINED_ON[dataset] if data == OWN else None if data is None else str(data)


_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(AXES)}
_SEED = _PLACES[SEED]
_PAID = tuple(_PLACES[name] for name, axis in AXES.items() if axis.cost != "free")


@cache  # equal readouts are one object
def _readout(localizer: Value, kernel: Value, temperature: Value, l2_normalize: Value) -> Readout:
    assert not isinstance(kernel, str)
    assert not isinstance(temperature, str)
    return Readout(str(localizer), kernel, temperature, l2_normalize is not False)


@cache
def _not_applying(prompt: Value) -> Mapping[str, None]:
    """The axes that do not apply to a prompt."""
    return {name: None for name, axis in AXES.items() if not axis.applies(prompt)}


TIES: Mapping[str, str] = {"timestep": "train.timestep", "layer": "train.layer"}
"""Evaluation axes that a training axis can be tied to."""


def configure(values: Mapping[str, Value], *, tie: Collection[str] = ()) -> Configuration:
    """The canonical configuration of these values: equal questions get equal configurations.

    Args:
        values: a checked value for every axis.
        tie: names in `TIES`: train at the evaluation's timestep, or layer
            (docs/explanation/architecture.md, idea 1).

    Returns:
        The configuration; settings that do not apply are None.

    Raises:
        SD4MatchError: values that are impossible together.
    """
    settled = dict(values)
    for name in tie:
        settled[TIES[name]] = settled[name]
    settled.update(_not_applying(settled["prompt"]))
    n_global, n_content = settled["global_length"], settled["content_length"]
    if isinstance(n_global, int) and isinstance(n_content, int):
        check_lengths(n_global, n_content)
    if settled["localizer"] != "kernel_softmax":
        settled["kernel"] = None
    if settled["localizer"] not in ("softmax", "kernel_softmax"):
        settled["temperature"] = None
    for part in ("", "train."):
        if settled[f"{part}fusion"] == "dino":  # fused features are normalized already
            settled[f"{part}l2_normalize"] = None
    return Configuration(tuple(settled[name] for name in AXES))
