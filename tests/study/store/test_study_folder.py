"""The folder of a study: where it is, and what it reads back."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.reading import load
from study.store.study_folder import StudyFolder


@pytest.fixture
def space_in(tmp_path):
    def space_in(results, *overrides):
        (tmp_path / "mine.yaml").write_text("baseline: {prompt: empty}")
        return load(str(tmp_path / "mine.yaml"), [f"results={results}", *overrides])

    return space_in


@pytest.mark.slow
def test_an_impossible_place_is_refused(space_in, tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    for place in (tmp_path / "loop", tmp_path / "file", "x" * 300):
        with pytest.raises(SD4MatchError, match=r"results: .* is not a valid folder or URL"):
            StudyFolder.of(space_in(place))


def test_the_name_of_the_store_is_taken(space_in, tmp_path):
    with pytest.raises(SD4MatchError, match="'store' is taken"):
        StudyFolder.of(space_in(tmp_path, "name=store"))


@pytest.mark.slow
def test_a_space_and_failures_are_read_back(space_in, tmp_path):
    space = space_in(tmp_path / "results")
    folder = StudyFolder.of(space)
    folder.write_space(space)
    assert folder.read_failures() == {}
    folder.write_failures({"key": "out of memory"})
    again = StudyFolder.open(folder.path)
    assert again.facts["baseline"] == space.baseline.key
    assert again.read_failures() == {"key": "out of memory"}
    assert not again.holds_another(space)
    assert again.holds_another(space_in(tmp_path / "results", "alphas=[0.2]"))
