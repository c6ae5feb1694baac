"""Search-space files read over defaults, with overrides, and how mistakes are reported."""

from pathlib import Path

import pytest

from sd4match.errors import SD4MatchError
from study.space.designs import configurations
from study.space.reading import load

SHIPPED = sorted(Path(__file__).parents[3].glob("search_spaces/*.yaml"))


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.slow
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


def test_overrides_reach_what_the_file_does_not_mention(write):
    space = load(write("axes: {layer: [0, 1]}"), ["data.pairs=7", "axes.train.timestep=[0,261]"])
    assert space.file.data.pairs == 7
    assert space.axes["train.timestep"] == (0, 261)
    assert "7 pairs" in space.fidelity


@pytest.mark.slow
def test_a_dumped_space_is_the_same_space(write, tmp_path):
    space = load(write("{baseline: {prompt: text}, axes: {layer: [0, 1], kernel: [1, 7]}}"))
    (tmp_path / "again.yaml").write_text(space.to_yaml())
    again = load(str(tmp_path / "again.yaml"))
    assert again.file == space.file
    assert list(configurations(again)) == list(configurations(space))


@pytest.mark.slow
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
        (f"name: {'a' * 201}", "has 201 characters: file systems take no folder of that name"),
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


def test_a_bad_override_is_one_line(write):
    with pytest.raises(SD4MatchError, match="data\\.pears"):
        load(write("{}"), ["data.pears=3"])


def test_folders_beside_the_file_are_no_groups(write, tmp_path):
    for name in ("results", "data", "device"):
        (tmp_path / name).mkdir()
    space = load(write("axes: {layer: [0, 1]}"), ["results=elsewhere", "device=cpu"])
    assert space.file.results == "elsewhere"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "blamed"),
    [
        (["data.pairs=3", "axes.layer=[7]", "seeds=2"], "override 'axes.layer=[7]': axis layer"),
        (["data.pears=3"], "override 'data.pears=3': data.pears: unknown setting"),
        (["seeds=2", "data.pairs=x"], "override 'data.pairs=x': data.pairs: Value 'x'"),
        (["name=a b"], "override 'name=a b': name: 'a b' cannot be a folder"),
        (["data.root=/x/${USER}"], "(a variable of the environment is ${oc.env:NAME})"),
    ],
)
def test_an_override_is_blamed_for_what_it_breaks(write, overrides, blamed):
    with pytest.raises(SD4MatchError) as error:
        load(write("axes: {timestep: [1, 2]}"), overrides)
    assert blamed in str(error.value)
    assert "mine.yaml" not in str(error.value)


@pytest.mark.slow
def test_a_file_is_blamed_for_its_own_faults(write):
    with pytest.raises(SD4MatchError, match=r"^search space .*mine\.yaml: axis layer: 7"):
        load(write("axes: {layer: [7]}"), ["data.pairs=3", "seeds=2"])


@pytest.mark.slow
def test_a_fault_that_an_override_mends_is_none(write):
    assert load(write("axes: {layer: [7]}"), ["axes.layer=[1]"]).axes == {"layer": (1,)}


@pytest.mark.slow
def test_an_axis_that_is_written_twice_is_refused(write):
    both = "train: {timestep: [50, 100]}, train.timestep: [10]"
    with pytest.raises(SD4MatchError, match=r"mine\.yaml: axes: train\.timestep is written twice"):
        load(write(f"axes: {{{both}}}"))
    with pytest.raises(SD4MatchError, match=r"points\[0\]: train\.timestep is written twice"):
        load(
            write(
                "{design: search, axes: {train.timestep: [1, 2]}, search: {points: ["
                "{train: {timestep: 1}, train.timestep: 2}]}}"
            )
        )


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["data: {root: ''}", "results: ' '", "cluster: {address: ''}"])
def test_an_empty_text_is_no_setting(write, setting):
    with pytest.raises(SD4MatchError, match="is empty: give it a value or leave it out"):
        load(write(setting))


def test_variables_are_stored_by_name_and_secrets_not_at_all(write, monkeypatch):
    monkeypatch.setenv("PLACE", "/somewhere")
    monkeypatch.setenv("KEY", "hunter2")
    callback = "{_target_: ray.tune.Callback, api_key: hunter2, other_token: '${oc.env:KEY}'}"
    space = load(
        write(f"callbacks: [{callback}]\ndata: {{root: '${{oc.env:PLACE}}/shapes'}}"),
        ["search.storage=postgresql://me:${oc.env:KEY}@host/db?password=${oc.env:KEY}"],
    )
    assert space.file.data.root == "/somewhere/shapes"
    assert space.file.search.storage == "postgresql://me:hunter2@host/db?password=hunter2"
    assert space.file.callbacks[0]["other_token"] == "hunter2"
    written = space.to_yaml()
    assert "hunter2" not in written
    assert "root: ${oc.env:PLACE}/shapes" in written
    assert "api_key: '***'" in written
    assert load(write(written, "again.yaml")).file.search == space.file.search
