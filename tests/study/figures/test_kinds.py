"""Which kinds of figures a study can draw, and what it says of the others."""

import inspect
import re

import pytest
from typer.models import ArgumentInfo

from sd4match.errors import SD4MatchError
from study.commands.show import plot
from study.figures import kinds as figures
from study.figures.kind import View
from study.launch.outputs import update_answers


def stems(study):
    return [view.stem for view in figures.applicable(study)]


@pytest.mark.slow
def test_a_factorial_can_draw_all_but_a_search(factorial):
    assert stems(factorial) == [
        "axis-prompt", "axis-length", "axis-timestep", "axis-layer", "axis-kernel",
        "heatmap-timestep-layer", "heatmap-prompt-length", "heatmap-prompt-timestep",
        "families", "kernel", "alphas", "categories", "importance", "pareto", "curves",
        "examples-pf_pascal", "examples-spair", "correlation-spair",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_search_has_a_history_and_no_curves(searched):
    kinds = {stem.split("-")[0] for stem in stems(searched)}
    assert {"history", "pareto", "importance", "heatmap", "alphas"} <= kinds
    assert not {"curves", "families"} & kinds


@pytest.mark.slow
def test_every_figure_of_scores_is_drawn_and_warns_of_nothing(factorial, searched, recwarn):
    for study in (factorial, searched):
        for view in figures.applicable(study):
            if view.kind.reads == "scores":
                figure = view.draw()
                figure.draw_without_rendering()
                assert figure.get_figwidth() in (3.5, 7.0), view.stem
    assert [str(each.message) for each in recwarn.list] == []


@pytest.mark.slow
def test_an_unknown_kind_is_one_line_that_says_which_there_are(factorial):
    with pytest.raises(SD4MatchError, match=r"no kind of figure 'bars'; .*can draw axis, heatmap"):
        factorial.plot("bars")
    with pytest.raises(SD4MatchError, match="`axis timestep`"):
        factorial.plot("timestep")


def test_help_names_every_kind():
    (kind,) = [
        each
        for each in inspect.get_annotations(plot)["kind"].__metadata__
        if isinstance(each, ArgumentInfo)
    ]
    assert re.findall(r"\w+", str(kind.help).split(";")[0].replace(" or ", " ")) == list(
        figures.KINDS
    )


@pytest.mark.slow
def test_a_kind_that_does_not_apply_says_why(factorial):
    with pytest.raises(
        SD4MatchError, match=r"history needs trials of a search.*does not have; .*axis,"
    ):
        factorial.plot("history")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("axis", "length", "layer"), "takes one axis"),
        (("heatmap", "layer"), "takes two axes"),
        (("heatmap", "layer", "layr"), "did you mean 'layer'"),
        (("heatmap", "layer", "layer"), "timestep layer"),
        (("families", "x"), "takes no names"),
        (("categories", "zz"), "no key begins with it"),
        (("categories", "baseline"), "is the baseline"),
        (("alphas", "zz"), "give baseline, best, or a key"),
        (("examples", "pascal"), "unknown data set"),
        (("correlation", "spair", "1"), "no pair '1'"),
    ],
)
def test_names_that_cannot_be_meant(factorial, asked, words):
    with pytest.raises(SD4MatchError, match=words):
        factorial.plot(*asked)


@pytest.mark.slow
def test_an_alpha_that_was_not_scored(factorial):
    for kind in ("axis", "heatmap", "families", "categories"):
        with pytest.raises(SD4MatchError, match=r"alpha 0\.3"):
            factorial.plot(kind, alpha=0.3)


@pytest.mark.slow
def test_the_answers_hold_what_applies_and_replace_what_does_not(factorial, tmp_path):
    folder = factorial.folder.path / "figures"
    folder.mkdir(exist_ok=True)
    for name in ("history.png", "axis-ensemble.pdf", "mine.png", "alphas@0.05.png"):
        (folder / name).write_bytes(b"old")
    written = {file.name for file in update_answers(factorial).files if file.parent == folder}
    assert {"heatmap-timestep-layer.svg", "families.svg", "kernel.png"} <= written
    assert not any(name.startswith(("examples", "correlation")) for name in written)
    assert {file.name for file in folder.iterdir()} - written == {"mine.png", "alphas@0.05.png"}


@pytest.mark.slow
def test_nothing_measured_is_one_line_a_kind(factorial):
    from study.study import Study

    empty = Study(factorial.folder)
    cells = factorial.cells.copy()
    cells[["pck", "pck_point"]] = float("nan")
    cells["status"], cells["reason"] = "missing", "not computed yet"
    empty.__dict__["cells"] = cells
    for view in figures.applicable(empty):
        if view.kind.name != "curves":
            with pytest.raises(SD4MatchError, match=r"measured|on record"):
                view.draw()


def test_a_name_of_a_file_is_never_too_long():
    def stem(pair):
        return View(None, figures.KINDS["examples"], ("base", pair)).stem

    short, long, other = (stem(f"{'é/' * n}写:cat") for n in (3, 200, 201))
    assert short == "examples-base-é_é_é_写_cat"
    assert len(long.encode()) <= 200
    assert long != other
