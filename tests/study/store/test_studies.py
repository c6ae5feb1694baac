"""The studies of a results folder: names, sizes, removal of one that nobody launches."""

import pytest

from sd4match.errors import SD4MatchError
from study.store import studies
from study.store.lock import alone


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
