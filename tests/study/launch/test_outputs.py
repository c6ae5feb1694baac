"""Tables and figures are written when what they show changed, and only then."""

import json
import shutil

import pytest
from optuna.trial import TrialState

from study.launch import outputs
from study.launch.outputs import update_answers
from study.search.journal import JOURNAL
from study.search.proposals import TrialResult
from study.search.record import Record
from study.study import open_study
from study.tables.status import ANSWERS

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(answered, tmp_path):
    """A copy of a study's folder, beside a link to its store."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "store").symlink_to(answered.folder.store.folder)
    path = tmp_path / "results" / "answered"
    shutil.copytree(answered.folder.path, path)
    return path


@pytest.fixture
def drawn(monkeypatch):
    """Figures that take no time: the names of the files that were written, in order."""
    written = []

    def write(study):
        file = study.folder.path / "figures" / "axis-layer.svg"
        file.parent.mkdir(exist_ok=True)
        file.write_text("a figure")
        written.append(file.name)
        return [file]

    monkeypatch.setattr(outputs, "_write_figures", write)
    return written


def update(folder):
    return update_answers(open_study(folder))


def test_unchanged_answers_are_left_alone(folder, drawn):
    first = update(folder)
    assert first.written
    assert {file.parent.name for file in first.files} == {"tables", "figures"}
    before = {file: file.stat().st_mtime_ns for file in first.files}
    again = update(folder)
    assert not again.written
    assert set(again.files) == set(first.files)
    assert {file: file.stat().st_mtime_ns for file in again.files} == before
    assert len(drawn) == 1


@pytest.mark.parametrize("name", ["figures/axis-layer.svg", "tables/layer.md", ANSWERS])
@pytest.mark.parametrize("change", ["removed", "changed"])
def test_a_file_that_was_removed_or_changed_is_written_again(folder, drawn, name, change):
    update(folder)
    file = folder / name
    before = file.read_bytes()
    file.unlink() if change == "removed" else file.write_text("[1]")
    assert update(folder).written
    assert file.read_bytes() == before
    assert not update(folder).written


@pytest.mark.parametrize("name", ["study.json", "failures.json", "search.json"])
def test_answers_follow_what_they_are_made_from(folder, drawn, name):
    update(folder)
    file = folder / name
    content = file.read_bytes() if file.exists() else b"{}"
    file.write_text(json.dumps(json.loads(content)) + " \n")  # the same, in other bytes
    assert update(folder).written


def test_answers_of_a_search_follow_its_trials(folder, drawn):
    facts = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**facts, "design": "search"}))
    assert update(folder).written  # though there is no record
    record = Record(str(folder / JOURNAL), "search", {"pck": "maximize"})
    assert update(folder).written
    record.propose(0, {}, {}, {})
    assert update(folder).written
    record.tell(0, TrialResult(TrialState.COMPLETE, (0.5,)), {})
    assert update(folder).written
    assert not update(folder).written


def test_answers_follow_the_code(folder, drawn, monkeypatch, tmp_path):
    update(folder)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "new.py").write_text("x = 1")
    monkeypatch.setattr(outputs, "PACKAGES", (*outputs.PACKAGES, tmp_path / "code"))
    assert update(folder).written
