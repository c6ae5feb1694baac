"""A checked search space: its fidelity and what its axes cost."""

import pytest

from study.space.reading import load

pytestmark = pytest.mark.slow


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_fidelity_is_full_only_at_the_papers_length(write):
    assert load(write("{}")).fidelity == "full"
    assert "40 tuning steps" in load(write("recipe: {steps: 40}")).fidelity
    assert load(write("{baseline: {prompt: empty}, recipe: {steps: 40}}")).fidelity == "full"
    assert load(write("recipe: {steps: 29635}")).fidelity == "full"
    assert load(write("recipe: {steps: 29634}")).fidelity == "29,634 tuning steps"
    pascal = "{data: {evaluate: [pf_willow]}, recipe: {steps: 29430}}"
    assert load(write(pascal)).fidelity == "full"


def test_fidelity_names_what_the_recipe_has_other_than_the_papers(write):
    recipe = "recipe: {schedule: cosine, warmup_steps: 500, learning_rate: 0.1}"
    said = "full; learning rate 0.1; learning-rate schedule cosine with warm-up over 500 steps"
    assert load(write(recipe)).fidelity == said
    rules = 'recipe: {steps: 9, schedule: piecewise_constant, step_rules: "1:5,0.1"}'
    said = "9 tuning steps; learning-rate schedule piecewise_constant 1:5,0.1"
    assert load(write(rules)).fidelity == said


def test_prompts_are_learned_on_the_training_data_that_the_axes_name(write):
    assert load(write("{}")).training_data == ("pf_pascal", "spair")
    assert load(write("data: {evaluate: [pf_willow]}")).training_data == ("pf_pascal",)
    assert load(write("baseline: {train: {data: spair}}")).training_data == ("spair",)
    assert load(write("baseline: {prompt: text}")).training_data == ()


def test_a_tie_makes_a_free_axis_dear(write):
    assert load(write("axes: {layer: [0, 1]}")).cost("layer") == "free"
    assert load(write("{tie: true, axes: {layer: [0, 1]}}")).cost("layer") == "tune"
    assert load(write("{tie: true, baseline: {prompt: text}}")).cost("layer") == "free"
