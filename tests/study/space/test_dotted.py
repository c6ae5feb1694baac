"""Nested settings and their dotted names."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.dotted import by_name, flatten, leaves, nest


def test_dotted_names_and_sections_are_the_same():
    flat = {"train.layer": 1, "train.data": "own", "seed": 0}
    assert dict(flatten(nest(flat))) == flat
    assert nest(flat) == {"train": {"layer": 1, "data": "own"}, "seed": 0}


def test_a_name_that_is_written_twice_is_refused():
    assert leaves({"train": {"layer": 1}, "train.data": "own"}) == {
        "train.layer": 1,
        "train.data": "own",
    }
    with pytest.raises(SD4MatchError, match=r"train\.layer is written twice"):
        leaves({"train": {"layer": 1}, "train.layer": 2})


def test_variables_keep_their_names():
    written = {"root": "${oc.env:HOME}/x", "names": ["${oc.env:A}", "b"], "seed": "${other}"}
    resolved = {"root": "/home/me/x", "names": ["a", "b"], "seed": 3}
    assert by_name(resolved, written) == {**written, "seed": 3}
