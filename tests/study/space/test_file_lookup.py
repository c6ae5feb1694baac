"""Where search-space files are found."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.reading import load


def test_a_missing_space_names_those_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SD4MatchError, match="did you mean 'quickstart'"):
        load("quikstart")
    with pytest.raises(SD4MatchError, match="no such"):
        load("./nowhere.yaml")


def test_companions_of_macos_are_no_spaces(tmp_path, monkeypatch):
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "search_spaces/mine.yaml").write_text("axes: {layer: [0, 1]}")
    (tmp_path / "search_spaces/._mine.yaml").write_bytes(b"\0\5\x16\7")
    monkeypatch.chdir(tmp_path)
    assert load("mine").name == "mine"
    with pytest.raises(SD4MatchError) as refused:
        load("mines")
    assert "._mine" not in str(refused.value)
