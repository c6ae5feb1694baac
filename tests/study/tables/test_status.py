"""The status of a study, in words and as plain values."""

import json
import shutil

import pytest

from study.store.study_folder import StudyFolder
from study.tables.status import status_report


@pytest.fixture
def folder(answered, tmp_path):
    return StudyFolder.open(shutil.copytree(answered.folder.path, tmp_path / "copied"))


def test_a_finished_study_counts_its_results(answered):
    facts, text = status_report(answered.folder)
    cells = answered.cells.drop_duplicates(["configuration", "dataset", "split"])
    assert facts["state"] == "finished"
    assert facts["results"] == len(cells)
    assert facts["done"] == (cells["status"] == "done").sum()
    assert sum(facts["missing"].values()) == facts["results"] - facts["done"]
    assert text.startswith("study answered: finished\n")
    assert f"{facts['done']} of {facts['results']} results" in text
    json.dumps(facts)


def test_an_interrupted_launch_says_how_to_continue(folder):
    record = {"launches": [{"outcome": "interrupted"}]}
    (folder.path / "provenance.json").write_text(json.dumps(record))
    facts, text = status_report(folder)
    assert facts["state"] == "interrupted"
    assert "interrupted (interrupted): `study launch answered` continues it" in text
