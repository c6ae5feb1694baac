"""The list of studies: state, progress, age, size."""

import datetime
import json
import os
import shutil
import socket
import time

import pytest

from study.store import heartbeat
from study.tables.study_list import age, size, studies_report

pytestmark = pytest.mark.slow


@pytest.fixture
def results(answered, tmp_path):
    """Five studies: finished, interrupted, killed, running, and one that is damaged."""
    now = datetime.datetime.now(datetime.UTC)
    ends = {"a-done": "finished", "b-cut": "interrupted", "c-dead": None, "d-runs": None}
    for number, (name, outcome) in enumerate(ends.items()):
        folder = tmp_path / name
        shutil.copytree(answered.folder.path, folder)
        facts = json.loads((folder / "study.json").read_text()) | {"name": name}
        (folder / "study.json").write_text(json.dumps(facts))
        moment = (now - datetime.timedelta(hours=number + 1)).isoformat(timespec="seconds")
        launch = {"started": moment, "ended": outcome and moment, "outcome": outcome}
        launch |= {"done": 4, "of": 9} if outcome else {}
        (folder / "provenance.json").write_text(json.dumps({"launches": [launch], "stages": {}}))
    counts = {"total": 5, "computed": 1, "done": 2, "failed": 1, "stopped": 0}
    beat = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "time": time.time(),
        "work": {"t": counts},
    }
    (tmp_path / "d-runs" / heartbeat.NAME).write_text(json.dumps(beat))
    (tmp_path / "c-dead" / heartbeat.NAME).write_text(json.dumps(beat | {"time": 0.0}))
    (tmp_path / "e-bad").mkdir()
    (tmp_path / "e-bad" / "study.json").write_text("{")
    return tmp_path


def test_each_study_has_its_state_progress_age_and_size(results):
    rows, text = studies_report(results)
    assert [(r["study"], r["state"], r["done"], r["of"]) for r in rows] == [
        ("a-done", "finished", 4, 9),
        ("b-cut", "interrupted", 4, 9),
        ("c-dead", "interrupted", 3, 5),
        ("d-runs", "running", 3, 5),
        ("e-bad", "damaged", None, None),
    ]
    assert rows[0]["age_s"] == pytest.approx(3600, abs=60)
    held = sum(file.stat().st_size for file in (results / "a-done").rglob("*") if file.is_file())
    assert rows[0]["bytes"] == held
    lines = text.splitlines()
    assert lines[3].split() == [
        "b-cut",
        "interrupted",
        "4/9",
        "2",
        "h",
        "ago",
        *size(rows[1]["bytes"]).split(),
    ]
    assert "the store that they share: 0 B" in text
    json.dumps(rows)


def test_no_studies(tmp_path):
    rows, text = studies_report(tmp_path)
    assert (rows, text) == ([], f"no studies in {tmp_path}: `study launch` makes one")


def test_words():
    assert [age(s) for s in (42, 200, 3598, 7300, 50 * 3600)] == [
        "42 s",
        "3 min",
        "59 min",
        "2 h",
        "2 days",
    ]
    assert [size(b) for b in (0, 999, 1500, 123456, 2.5e9)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "123 kB",
        "2.5 GB",
    ]
