"""Search spaces: files, overrides, designs and what is refused."""

import itertools
from pathlib import Path

import pytest

from sd4match.errors import SD4MatchError
from study.space.designs import configurations
from study.space.reading import load

SHIPPED = sorted(Path(__file__).parents[2].glob("search_spaces/*.yaml"))


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_spaces_load_by_name_from_any_folder(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = load(path.stem)
    assert space.name == path.stem
    assert next(configurations(space)) == space.baseline


def test_a_file_says_only_what_differs(write):
    space = load(write("axes: {timestep: [0, 50]}"))
    assert space.name == "mine"
    assert space.baseline["train.timestep"] == 261
    assert space.baseline["image_size"] == 128  # nano's own


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


def test_overrides_reach_what_the_file_does_not_mention(write):
    space = load(write("axes: {layer: [0, 1]}"), ["data.pairs=7", "axes.train.timestep=[0,261]"])
    assert space.file.data.pairs == 7
    assert space.axes["train.timestep"] == (0, 261)
    assert "7 pairs" in space.fidelity


def test_a_dumped_space_is_the_same_space(write, tmp_path):
    space = load(write("{baseline: {prompt: text}, axes: {layer: [0, 1], kernel: [1, 7]}}"))
    (tmp_path / "again.yaml").write_text(space.to_yaml())
    again = load(str(tmp_path / "again.yaml"))
    assert again.file == space.file
    assert list(configurations(again)) == list(configurations(space))


def test_fidelity_is_full_only_at_the_papers_length(write):
    assert load(write("{}")).fidelity == "full"
    assert "40 tuning steps" in load(write("recipe: {steps: 40}")).fidelity
    assert load(write("{baseline: {prompt: empty}, recipe: {steps: 40}}")).fidelity == "full"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("axes: {timestp: [1]}", "unknown axis 'timestp': did you mean 'timestep'"),
        ("axes: {layer: [7]}", "axis layer: 7 is impossible: expected an integer from 0 to 3"),
        ("axes: {layer: []}", "axes.layer: no values"),
        ("design: factorail", "did you mean 'factorial'"),
        ("protocol: dft", "did you mean 'dift'"),
        ("data: {evaluate: [spiar]}", "did you mean 'spair'"),
        ("data: {evaluate: []}", "data.evaluate is empty"),
        ("data: {pairs: 0}", "data.pairs: expected at least 1"),
        ("alphas: [0]", "alphas: expected numbers above 0"),
        ("name: a/b", "cannot be a folder"),
        ("baselin: {prompt: text}", "unknown setting 'baselin': did you mean 'baseline'"),
        ("baseline: {lenght: 3}", "unknown axis 'lenght': did you mean 'length'"),
        ("baseline: {length: long}", "baseline.length: Value 'long'"),
        ("axes: [", "expected"),
        ("{alphas: [0.05], search: {metric: spair/val/pck@0.1}}", "its alpha is not among"),
        ("{data: {evaluate: [spair]}, search: {metric: pf_pascal/val/pck@0.1}}", "'pf_pascal'"),
        ("{search: {metric: spair/test/pck@0.1}}", "chosen on val only"),
        ("recipe: {learning_rate: -1}", "recipe.learning_rate: expected above 0"),
        ("{tie: true, axes: {train: {layer: [0, 1]}}}", "already ties it"),
    ],
)
def test_mistakes_are_one_line_that_names_the_file(write, text, complaint):
    path = write(text)
    with pytest.raises(SD4MatchError) as error:
        load(path)
    assert complaint in str(error.value)
    assert path in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_space_names_those_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SD4MatchError, match="did you mean 'quickstart'"):
        load("quikstart")
    with pytest.raises(SD4MatchError, match="no such"):
        load("./nowhere.yaml")


def test_a_bad_override_is_one_line(write):
    with pytest.raises(SD4MatchError, match="data\\.pears"):
        load(write("{}"), ["data.pears=3"])


def test_names_and_alphas_that_are_given_twice_count_once(write):
    space = load(write("{alphas: [0.1, 0.1], data: {evaluate: [spair, spair]}}"))
    assert space.file.alphas == [0.1]
    assert space.file.data.evaluate == ["spair"]


def test_a_tie_makes_a_free_axis_dear(write):
    assert load(write("axes: {layer: [0, 1]}")).cost("layer") == "free"
    assert load(write("{tie: true, axes: {layer: [0, 1]}}")).cost("layer") == "tune"
    assert load(write("{tie: true, baseline: {prompt: text}}")).cost("layer") == "free"


def test_folders_beside_the_file_are_no_groups(write, tmp_path):
    for name in ("results", "data", "device"):
        (tmp_path / name).mkdir()
    space = load(write("axes: {layer: [0, 1]}"), ["results=elsewhere", "device=cpu"])
    assert space.file.results == "elsewhere"


@pytest.mark.parametrize("design", ["factorial", "one_at_a_time"])
def test_values_that_are_impossible_together_are_left_out(write, caplog, design):
    axes = "axes: {global_length: [5, 50], content_length: [5, 50]}"
    space = load(write(f"{{design: {design}, baseline: {{prompt: cpm}}, {axes}}}"))
    found = {(c["global_length"], c["content_length"]) for c in configurations(space)}
    most = {"factorial": {(5, 5), (5, 50), (50, 5)}, "one_at_a_time": {(5, 50), (25, 5)}}[design]
    assert found == {(25, 50)} | most
    assert "left out global_length=50" in caplog.text
    assert "at most 75 together" in caplog.text


def test_an_unknown_kind_of_image_encoder_is_refused(write):
    with pytest.raises(SD4MatchError, match=r"mine\.yaml: unknown kind of image encoder 'dinoo'"):
        load(write("image_encoders: {dinoo: x}"))


def test_an_axis_that_varies_nothing_is_told(write, caplog):
    load(write("baseline: {prompt: text}\naxes: {length: [4, 8], layer: [1, 2]}\n"))
    assert caplog.messages == [
        "axes.length varies nothing: it means nothing for the baseline "
        "(prompt=text, localizer=kernel_softmax)"
    ]


def test_axes_can_be_given_at_once(write):
    space = load(write("baseline: {backbone: nano}\n"), ["axes={layer: [0, 3]}"])
    assert dict(space.axes) == {"layer": (0, 3)}
