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
