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


def test_a_tie_makes_a_free_axis_dear(write):
    assert load(write("axes: {layer: [0, 1]}")).cost("layer") == "free"
    assert load(write("{tie: true, axes: {layer: [0, 1]}}")).cost("layer") == "tune"
    assert load(write("{tie: true, baseline: {prompt: text}}")).cost("layer") == "free"
