"""Axes and configurations: one question has one name."""

import pytest
from hypothesis import given, strategies as st

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Place, Readout
from study.space.configuration import configure

BASE = {
    "backbone": "nano",
    "prompt": "single",
    "template": "a {category}",
    "length": 16,
    "source": "Pair-DINO-Feat",
    "global_length": 25,
    "content_length": 50,
    "train.data": "own",
    "train.timestep": 261,
    "train.layer": 1,
    "train.kernel_size": 7,
    "train.fusion": "none",
    "train.l2_normalize": True,
    "seed": 0,
    "image_size": 128,
    "timestep": 50,
    "ensemble": 2,
    "fusion": "none",
    "layer": 1,
    "place": "output",
    "localizer": "kernel_softmax",
    "kernel": 7.0,
    "temperature": 0.04,
    "l2_normalize": True,
}


@given(length=st.integers(1, 75), timestep=st.integers(0, 999), layer=st.integers(0, 3))
def test_training_settings_do_not_name_a_prompt_that_is_not_learned(length, timestep, layer):
    moved = {**BASE, "prompt": "text", "length": length, "train.timestep": timestep}
    assert configure(moved) == configure({**moved, "train.layer": layer, "length": 1})
    assert configure(moved)["length"] is None


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("empty", set()),
        ("text", {"template"}),
        ("single", {"length"}),
        ("class", {"length"}),
        ("cpm", {"source", "global_length", "content_length"}),
        ("single_hidden", set()),
        ("class_hidden", set()),
    ],
)
def test_settings_of_other_families_name_nothing(prompt, meant):
    found = configure({**BASE, "prompt": prompt})
    options = ("template", "length", "source", "global_length", "content_length")
    assert {name for name in options if found[name] is not None} == meant


def test_lengths_that_do_not_fit_together_are_refused():
    with pytest.raises(SD4MatchError, match="at most 75 together"):
        configure({**BASE, "prompt": "cpm", "global_length": 26})
    configure({**BASE, "global_length": 26})  # not applicable to other prompts


@given(kernel=st.floats(0.1, 50), temperature=st.floats(0.001, 1))
def test_nearest_neighbour_has_one_name_whatever_kernel_and_temperature(kernel, temperature):
    nearest = {**BASE, "localizer": "nearest"}
    assert configure({**nearest, "kernel": kernel, "temperature": temperature}) == configure(
        nearest
    )


def test_a_place_is_read_inside_its_layer():
    inside = configure({**BASE, "place": "2"})
    assert (configure(BASE).read_at, inside.read_at) == (1, Place(1, 2))
    assert configure(BASE).key != inside.key


def test_a_tie_trains_where_it_is_tested():
    moved = {**BASE, "timestep": 100, "layer": 2}
    both, one = (configure(moved, tie=tie) for tie in (["timestep", "layer"], ["timestep"]))
    assert (both["train.timestep"], both["train.layer"]) == (100, 2)
    assert (one["train.timestep"], one["train.layer"]) == (100, 1)
    assert configure({**BASE, "prompt": "empty"}, tie=["timestep"])["train.timestep"] is None


def test_fused_features_are_never_normalized_again():
    for part in ("", "train."):
        on, off = (
            configure({**BASE, f"{part}fusion": "dino", f"{part}l2_normalize": each})
            for each in (True, False)
        )
        assert on == off
        assert on[f"{part}l2_normalize"] is None
        plain = configure({**BASE, f"{part}l2_normalize": False})
        assert plain.key not in (on.key, configure(BASE).key)
    assert configure({**BASE, "l2_normalize": False}).readout == Readout(l2_normalize=False)
    assert configure({**BASE, "fusion": "dino"}).readout == Readout()


def test_keys_tell_configurations_apart_and_are_pinned():
    base = configure(BASE)
    others = {configure({**BASE, "timestep": t}).key for t in range(100)}
    assert len(others) == 100
    # A changed key orphans every study on disk: that must be meant.
    assert base.key == configure(dict(reversed(BASE.items()))).key == "a9d6769796"


def test_prompts_come_from_their_own_data_sets():
    own = configure(BASE)
    assert own.training_data("pf_willow") == "pf_pascal"
    assert own.training_data("spair") == "spair"
    assert configure({**BASE, "train.data": "spair"}).training_data("pf_pascal") == "spair"
    assert configure({**BASE, "prompt": "text"}).training_data("spair") is None
