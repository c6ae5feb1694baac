"""One launch in a terminal: its live view, `study status` beside it, callbacks, curves, record."""

import csv
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

import study
from study.store import heartbeat

pytestmark = pytest.mark.slow
CALLBACK = "callbacks=[{_target_: ray.tune.logger.CSVLoggerCallback}]"
FEW = ("data.evaluate=[pf_pascal]", "axes.timestep=[50]", "recipe.steps=16")


@pytest.fixture(scope="module")
def watched(open_terminal):
    """(terminal, what the launch wrote to its terminal, what status said while it ran)."""
    terminal = open_terminal()
    terminal_end, launch_end = pty.openpty()
    environment = {"TERM": "xterm", "COLUMNS": "120", "LINES": "40", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [Path(sys.executable).parent / "study", "launch", "small", *FEW, CALLBACK],
        cwd=terminal.folder,
        env=os.environ | environment | terminal.environment | {"TMPDIR": str(terminal.temporary)},
        stdin=launch_end,
        stdout=launch_end,
        stderr=launch_end,
        start_new_session=True,
    )
    os.close(launch_end)
    os.set_blocking(terminal_end, False)
    written, beats, end = b"", [], time.monotonic() + 180
    while process.poll() is None and time.monotonic() < end:
        try:
            written += os.read(terminal_end, 65536)
        except BlockingIOError:
            beats += [heartbeat.read(terminal.results / "small")]
            time.sleep(0.05)
        except OSError:  # closed
            break
    assert process.wait(20) == 0, written.decode()
    return terminal, written.decode(), [beat for beat in beats if beat]


def test_the_live_view_shows_work_and_the_best_so_far(watched):
    _, written, _ = watched
    assert "\x1b[" in written
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    for words in (
        "latents  ━━━━━━━━━━━━━━━━━━━━━━━━ 3/3",
        "prompts  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ 0/1",
        "best so far: none is measured yet",
        "best by pf_pascal/val/pck@0.1",
    ):
        assert words in shown, words
    assert "done 1/" not in shown


def test_status_tells_from_another_terminal_while_it_runs(watched):
    _, _, beats = watched
    assert all(beat["alive"] for beat in beats)
    assert beats[0]["work"]["predict"]["done"] == 0
    assert beats[-1]["work"]["predict"]["done"] == beats[-1]["work"]["predict"]["total"] == 2
    tunings = [item for beat in beats for item in beat["running"] if item["kind"] == "tune"]
    assert {item["steps"] for item in tunings} == {16}


def test_status_says_whether_it_runs(watched, ask, tmp_path):
    terminal, _, beats = watched
    assert ask(terminal, "status", "small").out.startswith("study small: finished\n")
    folder = tmp_path / "results"
    shutil.copytree(terminal.results, folder)
    beat = beats[-1] | {"pid": os.getpid(), "time": time.time()}
    (folder / "small" / "running.json").write_text(json.dumps(beat))
    running = ask(terminal, "status", "small", "--results", str(folder))
    assert running.out.startswith(f"study small: running as process {os.getpid()} on ")
    assert "trials   ━━━━━━━━━━━━━━━━━━━━━━━━ 2/2" in running.out
    facts = ask(terminal, "status", "small", "--results", str(folder), "--json").json
    assert (facts["state"], facts["work"]["tune"]["done"]) == ("running", 1)
    (folder / "small" / "running.json").write_text(json.dumps(beat | {"time": time.time() - 999}))
    ended = ask(terminal, "status", "small", "--results", str(folder), "--json").json
    assert (ended["state"], ended["done"]) == ("interrupted", 6)


def test_rays_own_callback_wrote_its_files(watched):
    terminal, _, _ = watched
    (file,) = (terminal.results / "small" / "ray").glob("launch-1/tune-single-N=4-*/progress.csv")
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    assert [row["epoch"] for row in rows if row.get("epoch")] == list("12345678")


def test_curves_are_there_for_tensorboard(watched):
    terminal, _, _ = watched
    (run,) = (terminal.results / "small" / "tensorboard").iterdir()
    assert run.name.startswith("tune-single-N=4-on-pf-pascal-")
    (file,) = run.iterdir()
    points, data, at = [], file.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + length])
        points += [(value.tag, event.step) for value in event.summary.value]
        at += 12 + length + 4
    steps = range(2, 17, 2)
    assert sorted(points) == [("train/loss", s) for s in steps] + [("val/pck", s) for s in steps]


def test_the_record_says_where_the_numbers_come_from(watched):
    terminal, _, _ = watched
    made = study.open(terminal.results / "small").provenance
    assert made["configuration"]["recipe"]["steps"] == 16
    assert made["plan"] == {"configurations": 3, "latents": 3, "tune": 1, "predict": 4}
    assert set(made["data"]) == {f"pf_pascal {split}" for split in ("train", "val", "test")}
    assert len(made["backbones"]["nano"]["fingerprint"]) == 64
    assert made["seeds"] == {"configurations": [0], "data": 0}
    (launch,) = made["launches"]
    assert (launch["outcome"], launch["failed"]) == ("finished", 0)
    assert launch["started"] < launch["ended"]
    assert launch["overrides"] == [*FEW, CALLBACK]
    assert launch["machines"][0]["cores"] == os.cpu_count()
    for kind, stages in (("latents", 3), ("tune", 1), ("predict", 4)):
        assert launch["time"][kind]["stages"] == stages
        assert launch["time"][kind]["device_s"] == launch["time"][kind]["wall_s"] > 0
    assert all(entry["launch"] == 1 for entry in made["stages"].values())
    diff = launch["code"]["diff"]
    assert diff is None or (terminal.results / "small" / diff).read_text().startswith("diff --git")


def test_a_launch_that_was_interrupted_says_so(open_terminal, until, ask):
    terminal = open_terminal()
    process = terminal.start("study", "launch", "small", *FEW)
    assert until((terminal.results / "small" / "running.json").exists)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to the whole group
    ended = terminal.wait(process)
    assert (ended.code, ended.err) == (130, "stopping: what is done is kept\n")
    assert ended.out.splitlines()[-1].startswith("stopped; ")
    assert not (terminal.results / "small" / "running.json").exists()
    said = ask(terminal, "status", "small").out
    assert said.startswith(
        "study small: interrupted (interrupted): `study launch small` continues it"
    )
