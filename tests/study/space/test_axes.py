"""Axes: what they take, and how mistakes are reported."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.axes import AXES, find


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("timestep", 1000),
        ("timestep", -1),
        ("timestep", 2.5),
        ("timestep", True),
        ("timestep", "50"),
        ("timestep", float("inf")),
        ("timestep", float("nan")),
        ("layer", 4),
        ("length", 76),
        ("length", 0),
        ("train.kernel_size", 6),
        ("kernel", 0),
        ("kernel", float("inf")),
        ("temperature", -1.0),
        ("ensemble", 0),
        ("prompt", "signle"),
        ("localizer", "softmx"),
        ("train.data", "pf_willow"),
        ("backbone", ""),
        ("template", "a {colour}"),
        ("source", "Pair-DINO"),
        ("global_length", -1),
        ("content_length", 0),
        ("fusion", "clip"),
        ("l2_normalize", "no"),
        ("train.l2_normalize", 0),
        ("train.fusion", True),
    ],
)
def test_impossible_values_are_refused_by_name(axis, value):
    with pytest.raises(
        SD4MatchError,
        match=f"axis {axis}: .*(impossible: expected|did you mean|known: |remove others)",
    ) as error:
        find(axis).parse(value)
    assert "\n" not in str(error.value)


def test_a_place_is_output_or_a_number():
    given = ["output", 1, "2", 3]
    assert [find("place").parse(raw) for raw in given] == ["output", "1", "2", "3"]


def test_an_unknown_axis_is_refused_with_the_nearest():
    with pytest.raises(SD4MatchError, match="did you mean 'timestep'"):
        find("timestp")


def test_a_wrong_name_is_refused_with_the_nearest():
    with pytest.raises(SD4MatchError, match="did you mean 'single'"):
        find("prompt").parse("signle")


def test_every_axis_has_a_cost():
    assert {name for name, axis in AXES.items() if axis.cost == "free"} == {
        "layer",
        "place",
        "localizer",
        "kernel",
        "temperature",
        "l2_normalize",
    }
