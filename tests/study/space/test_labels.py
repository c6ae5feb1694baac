"""Words for people."""

import math

import pytest

from study.space import labels


def test_many_values_are_cut_in_the_middle():
    assert labels.values([1, 2.5, None]) == "1, 2.5, –"
    many = labels.values(range(100))
    assert many.startswith("0, 1, 2")
    assert many.endswith("… (100 in all), 99")


def test_settings_are_those_that_apply():
    assert labels.settings({"prompt": "single", "length": 75, "template": None}) == (
        "prompt=single, length=75"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(42, "42 s"), (200, "3 min 20 s"), (7_500, "2 h 05 min")]
)
def test_durations(seconds, text):
    assert labels.clock(seconds) == text


def test_numbers():
    assert labels.several(1, "result") == "1 result"
    assert labels.several(2_000, "result") == "2,000 results"
    assert labels.percent(0.5) == "50.0"
    assert labels.percent(math.nan) == labels.MISSING
    assert labels.signed(-0.012) == "−1.2"
    assert labels.listed(["a", "b", "c"]) == "a, b and c"
