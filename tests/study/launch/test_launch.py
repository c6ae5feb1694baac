"""How a launch ends: by signals, budgets and full disks, wherever it is at that moment."""

import contextlib
import errno
import io
import json
import shutil
import signal
import subprocess
import time
from importlib import import_module

import pytest
from rich.console import Console

from sd4match.errors import SD4MatchError
from sd4match.files import atomic
from study.engine import faults
from study.launch.budget import Purse
from study.launch.launch import launch_report
from study.store import requests
from study.store.lock import launching_here
from study.study import open_study
from study.tables.status import status_report

pytestmark = pytest.mark.slow


def launched(space):
    """What a launch returned, and what it said."""
    text = io.StringIO()
    summary, status = launch_report(space, Console(file=text, width=200, soft_wrap=True))
    return summary, status, text.getvalue()


def struck(monkeypatch, place, number=signal.SIGTERM):
    """Let a signal come when a function is called, once."""
    path, name = place.rsplit(".", 1)
    try:
        owner = import_module(path)
    except ModuleNotFoundError:
        owner = getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2])
    whole, calls = getattr(owner, name), []

    def strike(*args, **options):
        if not calls:
            calls.append(place)
            signal.raise_signal(number)
        return whole(*args, **options)

    monkeypatch.setattr(owner, name, strike)
    return calls


PLACES = {
    "study.launch.launch.plan_of": "nothing has begun",
    "study.launch.launch.alone": "0 of 6 done",
    "study.engine.worker.Workshop.tune": "3 of 6 done",
    "study.launch.outputs._write_tables": "6 of 6 done; tables and figures are not written",
}


def test_sigterm_ends_a_launch_in_good_order_wherever_it_is(
    whole, without_ray, monkeypatch, tmp_path
):
    """One story: each launch continues the last one."""
    space, folder = whole(tmp_path / "results"), tmp_path / "results" / "whole"
    before, launches = signal.getsignal(signal.SIGTERM), 0
    for place, said in PLACES.items():
        with monkeypatch.context() as patch:
            calls = struck(patch, place)
            summary, status, text = launched(space)
        assert calls, place
        assert (summary["ended"], status) == ("stopped", 143)
        assert text.splitlines()[-1] == f"stopped; {said}; the same command continues"
        assert signal.getsignal(signal.SIGTERM) is before
        assert not launching_here(folder)
        assert not (folder / "running.json").exists()
        if (folder / "provenance.json").exists():
            launches += 1
            record = json.loads((folder / "provenance.json").read_text())["launches"]
            assert len(record) == launches
            assert (record[-1]["outcome"], record[-1]["done"]) == ("interrupted", summary["done"])
    assert launches == 2


def test_ctrl_c_says_the_same_and_a_second_one_changes_nothing(
    whole, without_ray, monkeypatch, tmp_path
):
    space = whole(tmp_path / "results")
    struck(monkeypatch, "study.engine.worker.Workshop.tune", signal.SIGINT)
    closed = struck(monkeypatch, "study.launch.provenance.Provenance.close", signal.SIGINT)
    _, status, said = launched(space)
    assert status == 130
    assert closed  # the second came while the record was being written
    assert said.splitlines()[-1] == "stopped; 3 of 6 done; the same command continues"
    assert status_report(open_study(tmp_path / "results" / "whole").folder)[0]["state"] == (
        "interrupted"
    )


def test_study_stop_ends_it_from_elsewhere(whole, without_ray, monkeypatch, tmp_path):
    space, folder = whole(tmp_path / "results"), tmp_path / "results" / "whole"
    monkeypatch.setattr(requests, "LOOK", 0.02)

    def ask(work):
        if work.kind == "tune":
            (folder / requests.FOLDER).mkdir()
            (folder / requests.FOLDER / "someone").touch()
            time.sleep(30)  # ends early, by the signal

    without_ray.append(ask)
    _, status, said = launched(space)
    assert (status, "stopped; 3 of 6 done" in said) == (143, True)
    assert not (folder / requests.FOLDER).exists()


def test_a_budget_of_operations_leaves_the_rest(whole, without_ray, tmp_path):
    summary, status, said = launched(whole(tmp_path / "results", "budget.tflop=0.001"))
    assert status == 0
    assert 0 < summary["done"] < summary["of"] == 6
    assert "stopped, the budget of 0.001 TFLOP is used up; " in said
    assert summary["remaining"]
    assert f"{len(summary['remaining'])} configuration" in said
    assert "budget: 0.001 of " in said
    folder = open_study(tmp_path / "results" / "whole").folder
    assert "interrupted (stopped: the budget of 0.001 TFLOP is used up)" in status_report(folder)[1]
    # Without a budget it goes on, and no other plan is said to have been there.
    summary, status, said = launched(whole(tmp_path / "results"))
    assert (status, summary["done"], summary["remaining"]) == (0, 6, [])
    assert "held another plan" not in said


def test_when_the_time_is_over_what_runs_is_ended(whole, without_ray, monkeypatch, tmp_path):
    late = []
    monkeypatch.setattr(Purse, "_left", lambda self, hours: 0.0 if late else 3600 * hours)
    without_ray.append(lambda work: work.kind == "tune" and late.append(work))
    summary, status, said = launched(whole(tmp_path / "results", "budget.hours=2"))
    assert (status, summary["done"]) == (0, 3)
    assert "budget: 2 h 00 min, an unknown share of the work" in said
    ended = "stopped, the budget of 2 hours is used up; 3 of 6 done; the same command continues"
    assert ended in said
    assert "2 configurations remain:" in said


WRITTEN = (
    "whole/study.yaml", "whole/study.json", "whole/cells.parquet", "whole/failures.json",
    "store/latents/v", "store/latents/", "/checkpoint.pt", "/curves.parquet", "prompt.safetensors",
    "store/truth/", "store/predict/", "store/score/", "store/speed/", "whole/tables/overview.md",
    "whole/tables/prompt.csv", "whole/figures/", "whole/answers.json", "whole/provenance.json",
)  # fmt: skip
"""Parts of the names of all files that a launch writes, in their order."""


def full_when_written(monkeypatch, place, fill):
    """Call a function when a file is about to be written whose path has a certain part."""
    fresh, calls = atomic._fresh, []

    def watching(target):
        late = "provenance" not in place or (target.parent / "answers.json").exists()
        if place in str(target) and late and not calls:
            calls.append(target)
            fill(target)
        return fresh(target)

    monkeypatch.setattr(atomic, "_fresh", watching)
    return calls


def ended(space):
    """How a launch ends: its status, or the one line of its error."""
    try:
        return launched(space)[1], ""
    except SD4MatchError as error:
        return 1, str(error)
    except OSError as error:  # in a worker, which says that its disk is full
        return f"worker: {faults.fault(error)}", str(error)


@contextlib.contextmanager
def disk(folder):
    """A small file system on a folder, and how to fill it; a made-up one where none can be mounted.

    Yields:
        A function for the moment before a file is written, and one that makes room again.
    """
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    ballast = folder / "ballast"

    def fill(target):
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"0" * 4096):
                pass

    def refuse(target):
        error = OSError(errno.ENOSPC, "No space left on device")
        raise atomic._unwritable(target, error) from error

    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        yield refuse, lambda: None
        return
    try:
        yield fill, ballast.unlink
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_said_wherever_a_launch_writes(whole, without_ray, monkeypatch, tmp_path):
    """One story: before each kind of file the disk fills, and then there is room again."""
    results = tmp_path / "small" / "results"
    space, folder = whole(results), results / "whole"
    with disk(tmp_path / "small") as (fill, empty):
        for place in WRITTEN:
            with monkeypatch.context() as patch:
                calls = full_when_written(patch, place, fill)
                status, error = ended(space)
            assert calls, place
            assert (status in (1, "worker: full"), "No space left" in error) == (True, True), place
            empty()
            if (folder / "cells.parquet").exists():
                facts, _ = status_report(open_study(folder).folder)
                assert facts["state"] == "interrupted", place
                written = place == "whole/provenance.json"
                assert (facts["unwritten"] == "not all are written yet") != written, place
        assert ended(space) == (0, "")
        assert status_report(open_study(folder).folder)[0]["unwritten"] is None
