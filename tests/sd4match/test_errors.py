"""Messages for names that are not known."""

import pytest

from sd4match.errors import SD4MatchError, require_known


def message(value, known=("cat", "dog"), **options):
    with pytest.raises(SD4MatchError) as caught:
        require_known(value, known, what="category", **options)
    return str(caught.value)


def test_known_names_pass():
    require_known("cat", ["dog", "cat"], what="category")
    require_known("cat", {"cat": 1}, what="category")


def test_the_nearest_name_is_proposed():
    assert message("cta") == "unknown category 'cta': did you mean 'cat'? Known: cat, dog"


def test_without_a_near_name_all_are_listed():
    assert message("x") == "unknown category 'x': known: cat, dog"
    assert message("x", ()) == "unknown category 'x': known: none"


def test_the_place_comes_first():
    assert message("x", where="a.csv, line 3").startswith("a.csv, line 3: unknown category 'x'")


@pytest.mark.parametrize("value", [None, 3, ["cat"], {"cat": 1}])
def test_files_may_hold_anything(value):
    assert message(value).startswith(f"unknown category {value!r}: ")


def test_a_category_is_compared_whole():
    assert "did you mean" in message("car", ("car(G)", "car(M)"))
