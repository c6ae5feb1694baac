"""A study is found by its folder, or refused with the names of those beside it."""

import pytest

from sd4match.errors import SD4MatchError
from study.store.study_lookup import existing


def test_a_study_is_where_its_facts_are(tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "study.json").write_text("{}")
    assert existing(tmp_path / "small") == tmp_path / "small"
    with pytest.raises(SD4MatchError, match=r"no study in .*other: there are: small"):
        existing(tmp_path / "other")


@pytest.mark.parametrize(
    ("place", "words"), [("empty", "launch one first"), ("a\0b", "is not a valid folder or URL")]
)
def test_what_is_no_study_is_refused(tmp_path, place, words):
    with pytest.raises(SD4MatchError, match=words):
        existing(tmp_path / place)
