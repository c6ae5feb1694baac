"""Designs: which configurations are asked about, and that one never has two names."""

import itertools
import math
import sys
from functools import cache

import pytest
from hypothesis import given, settings, strategies as st

from sd4match.errors import SD4MatchError
from study.plan.plan import Planner
from study.space.designs import LARGEST, configurations, count
from study.space.reading import load
from study.space.space import Space


@pytest.fixture
def space_of(tmp_path):
    """A function: a search space given as YAML."""

    def space_of(text, *overrides):
        (tmp_path / "mine.yaml").write_text(text)
        return load(str(tmp_path / "mine.yaml"), list(overrides))

    return space_of


FULL = """
design: leave_one_out
baseline: {prompt: empty, timestep: 261, ensemble: 1}
axes: {prompt: single, length: 50, timestep: 50, image_size: 256}
"""


def values(space, *names):
    return [tuple(c[name] for name in names) for c in configurations(space)]


def test_leave_one_out_puts_one_axis_back_at_a_time(space_of):
    space = space_of(FULL)
    assert values(space, "prompt", "length", "timestep", "image_size") == [
        ("single", 50, 50, 256),  # everything: what the others are compared with
        ("empty", None, 50, 256),
        ("single", 75, 50, 256),
        ("single", 50, 261, 256),
        ("single", 50, 50, 128),  # nano's own size
        ("empty", None, 261, 128),  # nothing
    ]
    assert next(configurations(space)) == space.baseline


@pytest.mark.parametrize("design", ["one_at_a_time", "factorial", "search"])
def test_every_configuration_has_every_seed(space_of, design):
    grid = "axes: {prompt: [empty, single], layer: [0, 1]}"
    space = space_of(f"{{design: {design}, seeds: 3, baseline: {{seed: 4}}, {grid}}}")
    found = list(configurations(space))
    assert found[0] == space.baseline
    assert len(found) == len(set(found))
    settings = list(dict.fromkeys(c.unseeded for c in found))
    assert [(c.unseeded, c["seed"]) for c in found] == list(itertools.product(settings, (4, 5, 6)))
    alone = list(configurations(space_of(f"{{design: {design}, {grid}}}")))
    assert [c.unseeded for c in alone] == settings  # the design itself does not change


def test_the_same_file_adds_one_axis_at_a_time(space_of):
    added = space_of(FULL, "design=one_at_a_time")
    assert values(added, "prompt", "timestep", "image_size") == [
        ("empty", 261, 128),
        ("single", 261, 128),
        ("empty", 50, 128),
        ("empty", 261, 256),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("axes.timestep=[0,50]", "axes.timestep: leave_one_out takes one value"),
        ("axes.timestep=261", "axes.timestep: nothing to leave out: the baseline has 261 too"),
    ],
)
def test_what_cannot_be_left_out_is_refused(space_of, override, complaint):
    with pytest.raises(SD4MatchError, match=complaint):
        space_of(FULL, override)


GRID = """
design: factorial
baseline: {prompt: single}
axes:
  prompt: [empty, single]
  length: [1, 2, 3, 4, 5]
  timestep: [0, 50, 100, 150]
  layer: [0, 1]
  kernel: [3, 5, 7]
"""


@pytest.mark.slow
def test_a_fraction_is_of_the_paid_axes_and_keeps_every_free_value(space_of):
    half = list(configurations(space_of(GRID, "factorial.fraction=0.5")))
    points = {c.paid for c in half}
    # `empty` has one length, `single` five: 24 points, of which 12; perhaps the baseline besides.
    assert len(points - {half[0].paid}) in (11, 12)
    assert len(half) == len(set(half)) == 6 * 12 + (len(points) == 13)


@pytest.mark.slow
@given(low=st.floats(0.05, 1), high=st.floats(0.05, 1), seed=st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_a_larger_fraction_contains_a_smaller_one(tmp_path_factory, low, high, seed):
    file = tmp_path_factory.getbasetemp() / "grid.yaml"
    file.write_text(GRID)
    small, large = (
        set(configurations(load(str(file), [f"factorial.fraction={f}", f"factorial.seed={seed}"])))
        for f in sorted((low, high))
    )
    assert small <= large


@pytest.mark.slow
def test_fractions_of_two_seeds_differ(space_of):
    first, second = (
        set(configurations(space_of(GRID, "factorial.fraction=0.3", f"factorial.seed={seed}")))
        for seed in (0, 1)
    )
    assert first != second


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [0, -1, 1.5, "nan"])
def test_impossible_fractions_are_refused(space_of, fraction):
    with pytest.raises(SD4MatchError, match=r"factorial\.fraction: expected above 0 and up to 1"):
        space_of(GRID, f"factorial.fraction={fraction}")


@pytest.mark.slow
def test_a_search_is_planned_by_as_many_points_as_it_proposes(space_of):
    huge = "axes: {image_size: [%s], timestep: [%s], ensemble: [%s], kernel: [3, 7]}" % (
        (",".join(map(str, range(8, 908))),) * 3
    )
    found = list(configurations(space_of(f"{{design: search, {huge}}}", "search.samples=7")))
    assert len(found) == 7 * 2 + 1  # 729 million points are not counted through


def test_a_search_of_a_small_space_is_all_of_it(space_of):
    small = "{design: search, axes: {timestep: [0, 50], ensemble: [1, 8], kernel: [3, 7]}}"
    assert len(list(configurations(space_of(small)))) == 8


@pytest.mark.slow
def test_a_search_of_more_points_than_a_machine_counts_is_planned(space_of):
    thousand = list(range(1000))
    axes = {
        **dict.fromkeys(("timestep", "train.timestep"), thousand),
        "ensemble": list(range(1, 6001)),
        "length": list(range(1, 76)),
        "image_size": list(range(64, 64 + 8 * 4999, 8)),
        "train.kernel_size": list(range(3, 9999, 2)),
    }
    space = space_of(f"{{design: search, axes: {axes}}}", "search.samples=3")
    assert math.prod(map(len, space.paid.values())) > sys.maxsize
    assert len(list(configurations(space))) == 1 + 3


def test_one_tie_leaves_the_other_axis_free(space_of):
    space = space_of("{tie: [timestep], axes: {timestep: [0, 50], layer: [0, 1]}}")
    assert (space.cost("timestep"), space.cost("layer")) == ("tune", "free")
    assert set(values(space, "timestep", "train.timestep")) == {(0, 0), (50, 50)}
    assert {c["train.layer"] for c in configurations(space)} == {1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tie", "complaint"),
    [
        ("[timestp]", "unknown axis 'timestp': did you mean 'timestep'"),
        ("timestep", r"tie: expected true, false or some of \[timestep, layer\]"),
    ],
)
def test_other_ties_are_refused(space_of, tie, complaint):
    with pytest.raises(SD4MatchError, match=complaint):
        space_of(f"tie: {tie}")


# One configuration, one name --------------------------------------------------------------------


PROMPTS = (
    "empty", "text", "single", "class", "cpm", "single_hidden", "class_hidden", "ours", "theirs",
)  # fmt: skip


VALUES = {
    "prompt": st.sampled_from(PROMPTS),
    "template": st.sampled_from(["a {category}", "the {category}"]),
    "length": st.integers(1, 3),
    "source": st.sampled_from(["Pair-DINO-Feat", "Img-DINO-Head"]),
    "global_length": st.integers(0, 2),
    "content_length": st.integers(1, 3),
    "train.data": st.sampled_from(["own", "spair", "pf_pascal"]),
    "train.timestep": st.integers(0, 2),
    "train.layer": st.integers(0, 1),
    "train.kernel_size": st.sampled_from([3, 5]),
    "seed": st.integers(0, 1),
    "image_size": st.sampled_from([None, 64, 128]),
    "timestep": st.integers(0, 2),
    "ensemble": st.integers(1, 2),
    "fusion": st.sampled_from(["none", "dino"]),
    "layer": st.integers(0, 1),
    "localizer": st.sampled_from(["nearest", "bilinear", "softmax", "kernel_softmax"]),
    "kernel": st.sampled_from([3.0, 7.0]),
    "temperature": st.sampled_from([0.04, 0.1]),
}


EVALUATED = ("[spair]", "[pf_pascal,pf_willow]", "[pf_pascal,pf_willow,spair]")


FILES = """
prompts:
  ours: {spair: nowhere/a, pf_pascal: nowhere/b}
  theirs: {spair: nowhere/c, pf_pascal: nowhere/b}
data: {root: nowhere}
"""


@pytest.fixture(scope="module")
def planner_of(tmp_path_factory):
    file = tmp_path_factory.mktemp("names") / "names.yaml"
    file.write_text(FILES)

    @cache
    def planner_of(evaluated, tie):
        return Planner(load(str(file), [f"data.evaluate={evaluated}", f"tie={tie}"]))

    return planner_of


@pytest.mark.slow
@given(
    values=st.fixed_dictionaries(VALUES),
    change=st.sampled_from(sorted(VALUES)),
    data=st.data(),
    evaluated=st.sampled_from(EVALUATED),
    tie=st.sampled_from(["false", "[timestep]", "true"]),
)
@settings(max_examples=400, deadline=None)
def test_two_names_are_two_questions(planner_of, values, change, data, evaluated, tie):
    """Configurations are equal exactly where the same numbers of the same stages answer them."""
    planner = planner_of(evaluated, tie)
    other = {**values, change: data.draw(VALUES[change])}
    one, two = (planner.space.with_values(chosen) for chosen in (values, other))

    def answers(configuration):
        return [(c.predict.key, c.setting) for c in planner.plan([configuration]).cells]

    assert (one == two) == (answers(one) == answers(two))
    assert (one == two) == (one.key == two.key)


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_one_at_a_time_moves_one_axis_and_repeats_nothing(write):
    space = load(write("axes: {prompt: [empty, single], timestep: [0, 50, 100], length: [4, 75]}"))
    found = list(configurations(space))
    assert len(found) == len(set(found)) == 1 + 1 + 2 + 1
    assert found[0] == space.baseline
    for configuration in found[1:]:
        changed = {
            name
            for name, value in configuration.as_dict.items()
            if value is not None and value != space.baseline[name]
        }
        assert len(changed) == 1


def test_a_factorial_takes_every_combination_once(write):
    space = load(
        write(
            "{design: factorial, axes: {prompt: [empty, single], length: [4, 75], layer: [1, 2]}}"
        )
    )
    # `empty` has no length: 2 layers; `single` has two lengths: 4.
    found = list(configurations(space))
    assert len(found) == len(set(found)) == 6
    settings = {(c["prompt"], c["length"], c["layer"]) for c in found}
    expected = set(itertools.product(["single"], [4, 75], [1, 2]))
    assert settings == expected | {("empty", None, 1), ("empty", None, 2)}


@pytest.mark.slow
@pytest.mark.parametrize("design", ["factorial", "one_at_a_time"])
def test_values_that_are_impossible_together_are_left_out(write, caplog, design):
    axes = "axes: {global_length: [5, 50], content_length: [5, 50]}"
    space = load(write(f"{{design: {design}, baseline: {{prompt: cpm}}, {axes}}}"))
    found = {(c["global_length"], c["content_length"]) for c in configurations(space)}
    most = {"factorial": {(5, 5), (5, 50), (50, 5)}, "one_at_a_time": {(5, 50), (25, 5)}}[design]
    assert found == {(25, 50)} | most
    assert "left out global_length=50" in caplog.text
    assert "at most 75 together" in caplog.text


MANY = ", ".join(map(str, range(1, 1001)))
TIMES = ", ".join(map(str, range(1000)))
EIGHT = "[1, 2, 3, 4, 5, 6, 7, 8]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "number", "largest"),
    [
        ("design: factorial", "40,000,001 configurations", "kernel has 1,000, timestep has 1,000"),
        ("design: factorial\nfactorial: {fraction: 0.00001}\nseeds: 2", "", ""),
        (
            "design: search\nsearch: {sampler: grid}",
            "40,000,001 configurations",
            "kernel has 1,000",
        ),
        ("design: search\nsearch: {samples: 2000000000}", "40,000,001", "samples has 40,000"),
        ("design: search\nsearch: {samples: 501}", "501,001 configurations", "kernel has 1,000"),
        ("seeds: 300", "604,200 configurations", "timestep has 1,000, seeds has 300"),
    ],
)
def test_grids_beyond_reason_are_counted_and_refused_at_once(
    space_of, monkeypatch, text, number, largest
):
    axes = f"{{kernel: [{MANY}], timestep: [{TIMES}], ensemble: [1, 2, 3, 4, 5], length: {EIGHT}}}"
    text = f"{text}\nbaseline: {{prompt: single}}\naxes: {axes}"
    if not number:
        assert count(space_of(text)) == 2 * (1000 + 1)
        return
    monkeypatch.delattr(Space, "possible")  # not one combination is made
    with pytest.raises(SD4MatchError) as error:
        space_of(text)
    assert number in str(error.value)
    assert largest in str(error.value)
    assert f"more than the {LARGEST:,}" in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "design: factorial",
        "{design: factorial, factorial: {fraction: 0.3}, seeds: 3}",
        "{design: search, search: {samples: 4}}",
        "{design: search, search: {sampler: grid}}",
        "{design: search, search: {samples: 4000}, seeds: 2}",
    ],
)
def test_no_design_makes_more_than_are_counted(space_of, text):
    axes = "axes={prompt: [text, single], length: [1, 2], layer: [0, 1], timestep: [1, 2, 3]}"
    space = space_of(text, axes)
    made = len(list(configurations(space)))
    assert made <= count(space) <= 3 * made
