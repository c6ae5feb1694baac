"""Overrides as people type them: taken, or refused with what to type; the file loses to them."""

import shlex

import pytest

from sd4match.errors import SD4MatchError
from study.space.overrides import parse
from study.space.reading import load


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    "root",
    [
        "~/datasets",
        "/data/été",
        "/data/写真",
        "/data/run=3/x",
        "/data/my folder",
        "/data/a,b",
        "/data/[1] (2) {3}",
        "C:\\data\\x",
        "/it's",
        "2026.10",
        "1_000",
        "1e3",
        "true",
        "'",
    ],
)
def test_text_is_taken_as_it_is_typed(root):
    (override,) = parse([f"data.root={root}"])
    assert override.value == root
    (override,) = parse([f"prompts.v1.5 é.spair={root}"])
    assert override.path == ("prompts", "v1.5 é", "spair")
    assert override.value == root


def test_quotes_and_spaces_around_text_are_not_part_of_it():
    values = [o.value for o in parse(["data.root='a b'", 'name = "x" ', "results = y "])]
    assert values == ["a b", "x", "y"]


def test_null_is_no_text_where_a_setting_may_be_missing():
    values = [o.value for o in parse(["search.metric=null", "data.root=null"])]
    assert values == [None, "null"]


@pytest.mark.parametrize(
    ("typed", "better"),
    [
        ("axes.template=[a photo of a {category}]", 'axes.template=["a photo of a {category}"]'),
        ("axes.template=[it's a {category}, b]", 'axes.template=["it\'s a {category}", b]'),
        ("axes.template=a {category}", 'axes.template="a {category}"'),
        ("axes.backbone=[~/sd, /x=1, é]", 'axes.backbone=["~/sd", "/x=1", "é"]'),
        ("axes.layer=0,1", "axes.layer=[0, 1]"),
        ("alphas=0.1,0.05", "alphas=[0.1, 0.05]"),
        ("data.evaluate=spair", "data.evaluate=[spair]"),
        ("data.evaluate=spair,pf_willow", "data.evaluate=[spair, pf_willow]"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_type(typed, better):
    with pytest.raises(SD4MatchError) as error:
        parse([typed])
    said = str(error.value)
    assert said.startswith(f"override {typed!r}: ")
    assert said.endswith(f"type {shlex.quote(better)}")
    assert parse([better])  # as the shell would pass it


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("data.root=", "data.root is empty: is a variable of the shell not set"),
        ("data.pairs= ", "data.pairs is empty"),
        ("data.pairs", "no value: type data.pairs=VALUE"),
        ("", "expected key=value"),
        ("=3", "expected key=value"),
        ("data..root=x", "expected key=value"),
        ("baseline.length==3", "expected a whole number"),
        ("margin==3", "expected a number"),
        ("~axes.layer=3", "takes no value: type '~axes.layer'"),
        ("axes={train: {layer: [1]}, train.layer: [2]}", "axes.train.layer is written twice"),
    ],
)
def test_mistakes_name_the_override(typed, complaint):
    with pytest.raises(SD4MatchError) as error:
        parse([typed])
    assert str(error.value).startswith(f"override {typed!r}: ")
    assert complaint in str(error.value)


def test_two_spellings_with_two_values_are_refused():
    with pytest.raises(SD4MatchError, match=r"axes\.train\.layer has another value in"):
        parse(["axes={train.layer: [1]}", "axes.train.layer=[2]"])
    parse(["axes={train.layer: [1]}", "axes.train.layer=[1]"])  # nothing is lost


def test_the_same_override_again_replaces_the_first_and_says_so(caplog):
    parse(["data.pairs=3", "data.pairs=3"])
    assert caplog.messages == []
    parse(["data.pairs=3", "data.pairs=5"])
    assert caplog.messages == ["override 'data.pairs=5' replaces 'data.pairs=3'"]


@pytest.mark.slow
@pytest.mark.parametrize("written", ["{train.layer: [0, 1]}", "{train: {layer: [0, 1]}}"])
@pytest.mark.parametrize("typed", ["axes.train.layer=[2]", "axes={train.layer: [2]}"])
def test_an_override_wins_whichever_way_the_file_spells_it(write, written, typed):
    path = write(f"axes: {written}")
    assert dict(load(path, [typed]).axes) == {"train.layer": (2,)}


@pytest.mark.slow
@pytest.mark.parametrize("written", ["train.layer: [0, 1]", "train: {layer: [0, 1]}"])
def test_an_axis_can_be_left_out_whichever_way_it_is_spelled(write, written):
    path = write(f"axes: {{{written}, timestep: [1, 2]}}")
    assert list(load(path, ["~axes.train.layer"]).axes) == ["timestep"]
    assert not load(path, ["~axes"]).axes
    with pytest.raises(SD4MatchError, match=r"'axes\.timstep': did you mean 'axes\.timestep'"):
        load(path, ["~axes.timstep"])
    with pytest.raises(SD4MatchError, match="only names in axes"):
        load(path, ["~data.pairs"])


@pytest.mark.slow
def test_a_plus_adds_and_does_not_replace(write):
    path = write("axes: {layer: [0, 1]}")
    assert list(load(path, ["+axes.timestep=[1, 2]"]).axes) == ["layer", "timestep"]
    assert load(path, ["++axes.layer=[2]"]).axes == {"layer": (2,)}
    with pytest.raises(SD4MatchError, match=r"axes\.layer has a value already: leave out the \+"):
        load(path, ["+axes.layer=[2]"])


@pytest.mark.parametrize("typed", ["data.root=/none-such/spair", "results=/none-such"])
def test_a_path_from_an_empty_variable_is_told(caplog, typed):
    parse([typed])
    assert caplog.messages == [
        f"override '{typed}': there is no /none-such: is a variable of the shell not set?"
    ]


def test_other_paths_are_taken_without_a_word(caplog, tmp_path):
    parse([f"data.root={tmp_path}/none", "results=none/x", "name=/", "axes.layer=[1]"])
    assert not caplog.messages
