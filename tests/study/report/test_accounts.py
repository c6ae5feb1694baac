"""What a report counts: coverage, failures, work, and provenance."""

import time

import pytest

from study.report.content import collect
from study.report.summary import words
from study.report.writing import html
from study.store import heartbeat
from study.study import open_study
from study.tables import status

from .conftest import HOSTILE


def test_what_failed_is_counted_and_told(partial):
    assert partial.progress.cells == partial.progress.done + partial.progress.failed == 25
    assert partial.progress.failed == 5
    assert partial.progress.pending == 0
    (hole,) = partial.holes
    assert hole.cells == 5
    assert HOSTILE in hole.reason
    assert "timestep=261" in hole.examples[0]
    timestep = next(section for section in partial.sections if section.axis == "timestep")
    assert "none differs significantly" in timestep.verdict


@pytest.mark.slow
def test_a_study_that_runs_says_so(make_study):
    folder = make_study(leave_out=lambda stage: stage.data.dataset == "spair")
    report = collect(open_study(folder))
    assert report.progress.pending == 2 * 5
    assert report.best is None
    assert "not measured yet" in report.no_best
    assert "was interrupted: 10 of 25 results" in words(report).unfinished
    snapshot = {
        "phase": status.COMPUTING, "seconds": 200, "workers": 2, "left": [300, 300], "best": None,
        "work": {"predict": {"total": 4, "computed": 0, "done": 1, "failed": 0, "stopped": 0}},
        "running": [], "incidents": [], "failed": 0, "failures": [],
    }  # fmt: skip
    with heartbeat.beating(folder, lambda: snapshot):
        deadline = time.monotonic() + 10
        while not (folder / heartbeat.NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        report = collect(open_study(folder))
    assert "still runs (3 min 20 s on 2 workers, about 5 min 00 s left)" in words(report).unfinished
    assert "1/4" in html(report)
    nothing = collect(open_study(make_study(leave_out=lambda stage: True)))
    assert nothing.progress.done == 0
    assert words(nothing).share == 0


def test_work_is_counted_with_and_without_sharing(content):
    tunings, trials, predictions = content.work
    assert (tunings.shared, tunings.alone) == (0, 0)
    assert (trials.shared, trials.alone) == (3, 5)
    assert (predictions.shared, predictions.alone) == (3 * 5, 5 * 5)
    assert predictions.wall == "–"  # nobody launched it


@pytest.mark.slow
def test_provenance_is_told(copied):
    study = open_study(copied)
    first, second, *_ = study.index["predict"].unique()
    machine = {
        "host": "node7", "system": "Linux 6", "cpu": "a CPU", "cores": 8, "memory_gb": 64.0,
        "gpus": [{"name": "a GPU", "memory_gb": 80.0}], "cuda": "13",
    }  # fmt: skip
    launch = {
        "started": "2026-11-26T10:00:00+00:00", "outcome": "finished",
        "command": ["study", "launch", "made"], "machines": [machine],
        "code": {"revision": "c0ffee" * 6, "diff": None},
        "time": {"preflight": {"wall_s": 1.0},
                 "predict": {"stages": 2, "wall_s": 90.0, "device_s": 180.0}},
    }  # fmt: skip
    record = {
        "backbones": {"nano": {"fingerprint": "f" * 64, "device": "cuda", "dtype": "float16"}},
        "seeds": {"configurations": [0, 1], "data": 0},
        "launches": [launch],
        "stages": {first: {"kind": "predict", "wall_s": 40.0, "device_s": 80.0},
                   second: {"kind": "predict", "wall_s": 50.0, "device_s": 100.0}},
    }  # fmt: skip
    study.folder.write_provenance(record)
    report = collect(open_study(copied))
    told = dict(report.origin)
    assert told["launch 1"] == (
        "2026-11-26T10:00:00+00:00, finished; study launch made; 2 × predict in 90 s"
    )
    assert told["machine node7"] == "a CPU, 8 cores, 64.0 GB, a GPU (80.0 GB), Linux 6"
    assert told["backbone nano"] == f"{'f' * 16}, cuda, float16"
    assert told["seeds"] == "configurations 0, 1, data 0"
    assert "c0ffee" in told["code"]
    assert (report.work[-1].computed, report.work[-1].wall, report.work[-1].device) == (
        "2", "90 s", "3 min 00 s",
    )  # fmt: skip
