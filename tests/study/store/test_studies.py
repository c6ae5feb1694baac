"""The studies of a results folder: names, sizes, removal of one that nobody launches."""

import subprocess

import pytest

from sd4match.errors import SD4MatchError
from study.engine.work import pending
from study.store import studies
from study.store.integrity import sweep
from study.store.lock import alone
from study.store.store import Store


@pytest.fixture
def results(tmp_path):
    for name in ("b", "a", ".removed-c-0123"):
        (tmp_path / name / "tables").mkdir(parents=True)
        (tmp_path / name / "study.json").write_text("{}")
        (tmp_path / name / "tables" / "overview.md").write_text("text")
    (tmp_path / "store").mkdir()
    return tmp_path


def test_names_and_sizes(results):
    assert studies.names(results) == ["a", "b"]
    (results / "a" / "link").symlink_to("/etc/passwd")
    assert studies.sizes(results / "a") == {"study.json": 2, "tables/overview.md": 4}


def test_a_removed_study_is_gone_with_all_its_files(results):
    studies.remove(results / "a")
    assert studies.names(results) == ["b"]
    assert sorted(path.name for path in results.iterdir()) == [".removed-c-0123", "b", "store"]


def test_a_study_that_is_being_launched_stays(results):
    refused = pytest.raises(SD4MatchError, match="study b is being launched: wait for it")
    with alone(results / "b"), refused:
        studies.remove(results / "b")
    assert studies.names(results) == ["a", "b"]


@pytest.mark.slow
def test_stores_of_two_machines_are_merged_by_copying(small_store, small_plan, tmp_path):
    """Each has a half; after `cp -rn` nothing is pending, and nothing counts as damaged."""
    halves = [tmp_path / "one" / "store", tmp_path / "two" / "store"]
    files = sorted(file for file in small_store.folder.rglob("*") if file.is_file())
    for number, file in enumerate(files):
        copy = halves[number % 2] / file.relative_to(small_store.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    assert all(pending(small_plan, Store(half)) for half in halves)
    subprocess.run(["cp", "-rn", f"{halves[0]}/.", str(halves[1])], check=True)
    merged = Store(halves[1])
    assert sweep(small_plan, merged) == []
    assert pending(small_plan, merged) == []
