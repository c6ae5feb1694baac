"""Words for people."""

import math

import pytest

from study.space import labels


def test_many_values_are_cut_in_the_middle():
    assert labels.values([1, 2.5, None]) == "1, 2.5, –"
    many = labels.values(range(100))
    assert many.startswith("0, 1, 2")
    assert many.endswith("… (100 in all), 99")


def test_true_and_false_are_words_and_no_numbers():
    assert labels.values([True, False, 1]) == "true, false, 1"
    assert [labels.numeric(each) for each in (True, 1, 0.5, "1", None)] == [
        False,
        True,
        True,
        *[False] * 2,
    ]


def test_configurations_are_told_apart_by_what_applies_to_several():
    rows: list[labels.Settings] = [
        {"prompt": "single", "length": 16, "template": None, "layer": 1},
        {"prompt": "text", "length": None, "template": "a photo of a {category}", "layer": 1},
    ]
    assert labels.differing(rows) == ["prompt"]
    assert labels.differing([*rows, {**rows[0], "length": 4}]) == ["prompt", "length"]
    assert labels.differing([]) == []


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


def test_training_says_what_differs_from_the_usual():
    usual: dict[str, labels.Value] = {"train.timestep": 261, "train.layer": 1}
    usual |= {"train.kernel_size": 7, "train.data": "own"}
    plain: labels.Settings = {**usual, "train.fusion": "none", "train.l2_normalize": True}
    said = "t = 261, layer 1, loss window 7, on each data set's own pairs"
    assert labels.training([plain]) == said
    fused: labels.Settings = {**plain, "train.fusion": "dino", "train.l2_normalize": None}
    assert "loss window 7, fused with dino, on" in labels.training([fused])
    dots: labels.Settings = {**plain, "train.l2_normalize": False}
    assert "loss window 7, L2 normalization false, on" in labels.training([dots])
