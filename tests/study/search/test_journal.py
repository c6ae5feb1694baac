"""A search's journal: damaged, locked, moved. Its lock ends with its process."""

import fcntl
import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from sd4match.errors import SD4MatchError
from study.search import journal
from study.search.journal import portable, repair, resolved
from study.search.record import Record
from study.search.trials import read
from study.study import open_study

SPACE = """
baseline: {prompt: empty, ensemble: 1}
axes: {prompt: [empty, text], timestep: [0, 50, 100, 200], kernel: [3, 5]}
data: {evaluate: [pf_pascal], pairs: 4}
search: {sampler: tpe, samples: 4}
"""
LINES = b"".join(b'{"op_code":%d,"worker_id":"a"}\n' % code for code in (0, 2, 4, 8))

OPENED = {"pck": "maximize"}


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, logger="study")
    return lambda: [record.getMessage() for record in caplog.records]


DAMAGE = {
    "the last line is cut": (LINES[:-20], LINES[:90]),
    "its line end is cut": (LINES[:-1], LINES[:90]),
    "NULs at the end": (LINES + bytes(200), LINES),
    "NULs with a line end": (LINES + bytes(200) + b"\n", LINES),
    "NULs instead of the last line": (LINES[:90] + bytes(30), LINES[:90]),
    "nothing but NULs": (bytes(4096), b""),
    "the first line is cut": (LINES[:5], b""),
    "the first line is cut to NULs": (LINES[:15] + bytes(30), b""),
    "half a character": (LINES[:-8] + b"\xe2\x88", LINES[:90]),
    "a number": (LINES + b"12\n", LINES),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_broken_at_the_end_is_dropped_in_one_line(damage, tmp_path, said):
    file = tmp_path / "optuna.journal"
    damaged, whole = DAMAGE[damage]
    file.write_bytes(damaged)
    repair(file)
    assert file.read_bytes() == whole
    (line,) = said()
    assert str(file) in line
    assert "dropped" in line
    assert os.listdir(tmp_path) == [file.name]  # noqa: PTH208 - hidden files too
    repair(file)
    assert len(said()) == 1


def test_a_whole_journal_is_left_alone(tmp_path, said):
    file = tmp_path / "optuna.journal"
    repair(file)
    assert not file.exists()
    for content in (b"", LINES):
        file.write_bytes(content)
        repair(file)
        assert file.read_bytes() == content
    assert not said()


def test_whole_lines_after_the_damage_are_kept_in_a_copy(tmp_path, said):
    file = tmp_path / "optuna.journal"
    file.write_bytes(damaged := LINES[:40] + b"\n" + LINES[60:])
    repair(file)
    assert file.read_bytes() == LINES[:30]
    assert (tmp_path / "optuna.journal.broken").read_bytes() == damaged
    assert "optuna.journal.broken" in said()[0]


@pytest.mark.parametrize("content", [b"my notes\n", b"{}\n", b"\n", b"\0my notes", b"\x89PNG\r\n"])
def test_another_file_is_never_cut(content, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(SD4MatchError, match=r"notes\.txt: cannot be opened: it is no journal"):
        Record(str(file), "mine", OPENED)
    assert file.read_bytes() == content


@pytest.mark.slow
@pytest.mark.parametrize("cut", [40, 700, 2000])
def test_a_search_goes_on_from_the_store(searching, cut, said):
    searching.launch(SPACE)
    before = [(t.params, t.values, t.user_attrs, t.state) for t in searching.trials]
    file = Path(searching.journal)
    os.truncate(file, file.stat().st_size - cut)
    searching.launch(SPACE)
    assert [(t.params, t.values, t.user_attrs, t.state) for t in searching.trials] == before
    assert not any(searching.computed)
    assert sum("dropped" in line for line in said()) == 1


def leave_lock(file, target):
    """What Optuna's lock of a killed process leaves."""
    Path(f"{file}.lock").symlink_to(target)


@pytest.mark.parametrize("target", ["runs/x.journal", "/gone/srch/x.journal", "x.journal"])
def test_a_lock_that_a_killed_process_left_is_nobodys(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Record("runs/x.journal", "mine", OPENED)
    leave_lock("runs/x.journal", target)
    start = time.monotonic()
    Record("runs/x.journal", "mine", OPENED)
    assert time.monotonic() - start < 5


@pytest.mark.slow
def test_a_lock_is_announced_and_not_waited_for_without_end(tmp_path, monkeypatch, said):
    monkeypatch.setattr(journal, "SAID", 0.1)
    monkeypatch.setattr(journal, "PATIENCE", 0.3)
    file = tmp_path / "x.journal"
    with file.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SD4MatchError, match=r"x\.journal: another process has kept it locked"):
            Record(str(file), "mine", OPENED)
    assert any("x.journal is locked by another process: still waiting" in line for line in said())
    Record(str(file), "mine", OPENED)


@pytest.mark.slow
def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    file = tmp_path / "x.journal"
    hold = (
        "import pathlib, sys, time; from study.search.journal import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", hold, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
    Record(str(file), "mine", OPENED)


@pytest.mark.slow
def test_a_locked_database_is_one_line(tmp_path, monkeypatch, said):
    monkeypatch.setattr(journal, "SAID", 0.1)
    monkeypatch.setattr(journal, "PATIENCE", 0.4)
    url = f"sqlite:///{tmp_path / 'search.db'}"
    record = Record(url, "mine", OPENED)
    holder = sqlite3.connect(tmp_path / "search.db")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SD4MatchError, match=r"search\.db: cannot be written: .*locked") as error:
        record.propose(0, {}, {}, {})
    assert "\n" not in str(error.value)
    assert any("still waiting" in line for line in said())
    holder.close()


@pytest.mark.parametrize(
    ("storage", "found"),
    [
        ("x.journal", "{0}/x.journal"),
        ("runs/../x.journal", "{0}/x.journal"),
        ("/there/x.journal", "/there/x.journal"),
        ("sqlite:///x.db", "sqlite:///{0}/x.db"),
        ("sqlite:////there/x.db", "sqlite:////there/x.db"),
        ("sqlite+pysqlite:///x.db?timeout=3", "sqlite+pysqlite:///{0}/x.db?timeout=3"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql:///mine", "postgresql:///mine"),
        ("mysql://me@host/db", "mysql://me@host/db"),
    ],
)
def test_a_relative_storage_is_resolved(storage, found, tmp_path):
    place = resolved(storage, tmp_path)
    assert place == found.format(tmp_path)
    assert resolved(portable(place, tmp_path / "results"), tmp_path / "results") == place


def test_the_home_folder_is_meant(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolved("~/x.journal", Path("/there")) == str(tmp_path / "x.journal")


@pytest.mark.slow
@pytest.mark.parametrize("storage", [None, "results/runs/x.journal", "sqlite:///results/x.db"])
def test_moved_and_copied_results_are_read_and_continued(searching, storage, monkeypatch):
    monkeypatch.chdir(searching.folder)
    options = [f"search.storage={storage}"] if storage else []
    searching.launch(SPACE, *options)
    before, _ = read(open_study("results/mine"))
    shutil.move("results", "moved")
    monkeypatch.chdir("/")
    moved = searching.folder / "moved"
    leave_lock(moved / "mine" / "optuna.journal", "/gone/optuna.journal")
    assert_frame_equal(read(open_study(moved / "mine"))[0], before)
    monkeypatch.chdir(searching.folder)
    again = [option.replace("results", "moved") for option in options]
    searching.launch(SPACE, "results=moved", *again)
    assert not any(searching.computed)
    assert_frame_equal(read(open_study(moved / "mine"))[0], before)


@pytest.mark.slow
def test_whole_paths_of_earlier_versions_lead_to_the_journal_beside_them(searching):
    searching.launch(SPACE)
    folder = searching.folder / "results" / "mine"
    facts = json.loads((folder / "search.json").read_text())
    assert facts["storage"] == "optuna.journal"
    facts["storage"] = "/gone/results/mine/optuna.journal"
    (folder / "search.json").write_text(json.dumps(facts))
    assert len(read(open_study(folder))[0]) == 4
