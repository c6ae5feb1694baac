"""A launch, the same launch again, and a larger one beside it."""

import os
import re
import subprocess
import sys

import pytest

import study
from study.figures import kinds

pytestmark = pytest.mark.slow
AXES = ("prompt", "timestep", "layer")
MEASURED = {"latents", "predict", "score", "truth", "tune"}
NOTES = ".scores-*.parquet"  # what answers remember; no result
LOCK = ".use"  # that `study gc` waits for
CLOCK = "speed"  # how long stages took: the one part of a store that is never the same twice


def test_a_launch_ends_with_tables_and_figures(launched):
    terminal, ended = launched
    assert (ended.code, ended.err) == (0, "")
    folder = terminal.results / "small"
    tables = {f"{stem}{suffix}" for stem in ("overview", *AXES) for suffix in (".md", ".csv")}
    views = kinds.applicable(study.open(folder))
    drawn = {view.stem for view in views if view.kind.reads == "scores"}
    assert {"alphas", "curves", "pareto", *(f"axis-{axis}" for axis in AXES)} <= drawn
    assert {file.name for file in (folder / "tables").iterdir()} == tables
    assert {file.name for file in (folder / "figures").iterdir()} == {
        f"{stem}.{suffix}" for stem in drawn for suffix in ("png", "svg")
    }
    assert all(file.stat().st_size for file in folder.rglob("*.*"))
    assert (folder / "figures" / "axis-layer.png").read_bytes().startswith(b"\x89PNG")


def test_a_launch_says_what_it_does(launched):
    _, ended = launched
    for words in (
        "preflight: one pair through 2 extraction and 1 tuning settings",
        "tune single N=4 on pf_pascal",
        "best by pf_pascal/val/pck@0.1",
        "PF-Willow test",
        "tables:  8 files in tables/",
        "files in figures/",
    ):
        assert words in ended.out, words
    assert "FAILED" not in ended.out


def test_workers_stay_warm_and_each_item_says_where_it_ran(launched):
    terminal, _ = launched
    logs = {file.stem: file.read_text() for file in (terminal.results / "small/logs").iterdir()}
    # Preflight, latents of four splits, a prompt, two trials at 50 and one at 261.
    assert len(logs) == 9
    assert logs.keys() >= {folder.name for folder in (terminal.results / "store/tune").iterdir()}
    processes = {re.search(r"done .* s on \S+, process (\d+)", log)[1] for log in logs.values()}
    assert len(processes) <= (os.cpu_count() or 1) < len(logs)


def test_a_launch_leaves_nothing_behind(launched):
    terminal, _ = launched
    assert terminal.quiet()
    assert [file for file in terminal.temporary.rglob("*") if file.is_file()] == []
    folder = terminal.results / "small"
    files = {file.name for file in folder.iterdir() if not file.match(NOTES)}
    assert files == {
        "answers.json", "cells.parquet", "failures.json", "figures", "logs", "provenance.json",
        "study.json", "study.yaml", "tables", "tensorboard",
    } | {file for file in files if file.endswith(".diff")}  # fmt: skip
    folders = {file.name for file in (terminal.results / "store").iterdir()}
    assert folders == {*MEASURED, CLOCK, LOCK}
    hidden = [file for file in terminal.results.rglob(".*") if not file.match(NOTES)]
    unfinished = list(terminal.results.rglob("checkpoint.pt"))
    assert hidden + unfinished == [terminal.results / "store" / LOCK]


def test_the_same_launch_again_computes_nothing(launched, ask, hashes):
    terminal, _ = launched
    before = hashes(terminal.results)
    ended = ask(terminal, "launch", "small")
    assert (ended.code, ended.err) == (0, "")
    assert "all results were already computed" in ended.out
    assert "files in figures/, unchanged" in ended.out
    assert "best by" in ended.out
    assert hashes(terminal.results) == before


def test_a_finished_study_is_launched_without_ray_torch_and_matplotlib(launched):
    terminal, _ = launched
    code = (
        "import sys; from study.cli import main; sys.argv = ['study', 'launch', 'small']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'ray', 'torch', 'diffusers', 'transformers', 'matplotlib', 'seaborn'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=terminal.folder, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "all results were already computed" in ended.stdout


def test_one_more_value_computes_only_that(launched, open_terminal, ask, hashes):
    terminal = open_terminal(results=launched[0].results)
    measured = [f"store/{part}" for part in MEASURED]
    before = hashes(terminal.results, *measured)
    more = ("name=larger", "axes.timestep=[50,261,500]", "axes.layer=[0,1,2]")
    planned = ask(terminal, "plan", "small", *more, "--json").json
    assert (planned["trials"], planned["stored_trials"]) == (4, 2)  # layer 2 is a new pass at t=50
    ended = ask(terminal, "launch", "small", *more, "--json")
    assert ended.code == 0
    after = hashes(terminal.results, *measured)
    assert before.items() <= after.items()
    assert [label.split(" t=")[1] for label in sorted(ended.json["computed"])] == [
        "50 E=1",
        "500 E=1",
    ]
    both = {file.name for file in terminal.results.iterdir()}
    assert both == {"larger", "small", "store"}
