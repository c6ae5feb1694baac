"""The sign of life of a launch: there while it runs, gone after, and stale when it was killed."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from study.store import heartbeat


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "study.json").write_text("{}")
    return tmp_path


def written(folder, **change):
    beat = {"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()} | change
    (folder / heartbeat.NAME).write_text(json.dumps(beat))
    return heartbeat.read(folder)


def test_it_is_there_while_the_block_runs(folder, until_true):
    with heartbeat.beating(folder, lambda: {"seconds": 3}):
        until_true((folder / heartbeat.NAME).exists)
        found = heartbeat.read(folder)
    assert (found["seconds"], found["pid"], found["alive"]) == (3, os.getpid(), True)
    assert heartbeat.read(folder) is None
    assert [file.name for file in folder.iterdir()] == ["study.json"]


def test_it_is_gone_after_ctrl_c(folder, until_true):
    def interrupted():
        with heartbeat.beating(folder, dict):
            until_true((folder / heartbeat.NAME).exists)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert heartbeat.read(folder) is None


def test_it_makes_no_folder(tmp_path):
    with heartbeat.beating(tmp_path / "none", dict):
        time.sleep(0.05)
    assert not (tmp_path / "none").exists()


def test_a_dead_process_is_not_alive(folder):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not written(folder, pid=ended.pid)["alive"]
    assert written(folder)["alive"]


def test_silence_is_death_on_another_host(folder):
    assert written(folder, host="elsewhere", pid=1)["alive"]
    assert not written(folder, host="elsewhere", time=time.time() - 2 * heartbeat.STALE)["alive"]


@pytest.fixture
def until_true():
    def wait(condition):
        end = time.monotonic() + 10
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        assert condition()

    return wait


def test_it_goes_on_when_there_is_room_again(folder, until_true, monkeypatch, caplog):
    monkeypatch.setattr(heartbeat, "BEAT", 0.01)
    (folder / heartbeat.NAME).mkdir()
    looks = []
    with heartbeat.beating(folder, lambda: {"seconds": looks.append(1)}):
        until_true(lambda: len(looks) > 3)
        (folder / heartbeat.NAME).rmdir()
        until_true((folder / heartbeat.NAME).is_file)
    assert len(caplog.messages) == 1
    assert heartbeat.read(folder) is None


def test_a_folder_that_cannot_be_written_to_ends_the_block_as_it_was(folder, caplog):
    (folder / heartbeat.NAME).mkdir()
    with heartbeat.beating(folder, dict):
        pass
    assert len(caplog.messages) <= 1
