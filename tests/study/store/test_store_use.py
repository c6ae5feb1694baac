"""The lock of a store: launches share it, `study gc` has it alone."""

import pytest

from sd4match.errors import SD4MatchError
from study.store.store_use import in_use, not_in_use


def test_launches_share_a_store_and_a_removal_has_it_alone(tmp_path):
    store = tmp_path / "results" / "store"
    with in_use(store), in_use(store):
        refused = pytest.raises(SD4MatchError, match="a launch uses it: wait for it")
        with refused, not_in_use(store):
            pytest.fail("alone")
    assert not (tmp_path / "results").exists()  # nothing was put into it
    (store / "predict").mkdir(parents=True)
    with not_in_use(store):
        refused = pytest.raises(SD4MatchError, match="removes files from it now")
        with refused, in_use(store):
            pytest.fail("shared")
    assert (store / "predict").exists()


def test_a_store_that_cannot_be_written_to_is_one_line(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(SD4MatchError, match="cannot be locked"), in_use(tmp_path / "store"):
        pytest.fail("locked")
