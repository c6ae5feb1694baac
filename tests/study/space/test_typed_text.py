"""Texts of a search-space file, as they are typed."""

import pytest
from omegaconf import OmegaConf

from sd4match.errors import SD4MatchError
from study.space.reading import load
from study.space.typed_text import in_quotes

HEAD = "data: {root: data, evaluate: [spair]}\n"
READ_OTHERWISE = ("no", "on", "010", "0x10", "1.50", "1e3", "1_000", "2024-01-01", "2026.10")
"""What YAML reads as a truth value, a number or a date."""


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "mine.yaml").write_text(text)
        return str(tmp_path / "mine.yaml")

    return write


@pytest.mark.parametrize("typed", READ_OTHERWISE)
def test_text_is_taken_as_it_is_typed(write, typed):
    file = write(
        f"{HEAD}name: {typed}\nresults: {typed} # a comment\n"
        f"prompts: {{{typed}: {{spair: {typed}}}}}\nimage_encoders: {{dino: {typed}}}\n"
        f"baseline: {{prompt: text, template: {typed}}}\nsearch: {{warm_start: [{typed}]}}\n"
        f"axes:\n  template:\n  - {typed}\n  - a {{category}}\n  prompt: [text, {typed}]\n"
    )
    space = load(file)
    assert (space.name, space.file.results) == (typed, typed)
    assert space.file.prompts == {typed: {"spair": typed}}
    assert (space.file.image_encoders, space.file.search.warm_start) == ({"dino": typed}, [typed])
    assert space.axes == {"template": (typed, "a {category}"), "prompt": ("text", typed)}
    assert space.baseline["template"] == typed


def test_numbers_truth_values_and_null_stay_what_they_are(write):
    file = write(
        f"{HEAD}baseline: {{timestep: 50, l2_normalize: no, place: 1}}\nalphas: [1e-1]\n"
        "recipe: {steps: 9, step_rules: null}\naxes: {place: [1, output], layer: [1, 2]}\n"
    )
    space = load(file)
    assert space.baseline["timestep"] == 50
    assert space.baseline["l2_normalize"] is False
    assert space.axes == {"place": ("1", "output"), "layer": (1, 2)}
    assert (space.file.alphas, space.file.recipe.step_rules) == ([0.1], None)


def test_points_anchors_and_quotes():
    text = (
        "x: &it no\nsearch: {points: [{template: it's no, timestep: 50}]}\nname: *it\nresults: ''"
    )
    read = OmegaConf.to_container(OmegaConf.create(in_quotes(text)))
    assert read["search"]["points"] == [{"template": "it's no", "timestep": 50}]
    assert read["results"] == ""
    assert in_quotes("a: [") == "a: ["
    assert in_quotes("") == ""


def test_a_line_of_a_message_is_the_file_s(write):
    with pytest.raises(SD4MatchError, match="line 3: found duplicate key name"):
        load(write(f"{HEAD}name: no\nname: on\n"))


@pytest.mark.parametrize("axis", ["fusion", "localizer", "prompt"])
def test_a_name_that_is_no_text_in_yaml_is_shown_as_typed(write, axis):
    with pytest.raises(SD4MatchError, match="unknown value 'off'"):
        load(write(f"{HEAD}baseline: {{{axis}: off}}\n"))
