"""Parquet files with a header."""

import pyarrow as pa
import pytest

from sd4match.errors import SD4MatchError
from sd4match.records.parquet import about_of, settings_of, write


@pytest.mark.parametrize("read", [settings_of, about_of])
def test_files_that_say_nothing_of_themselves_are_refused(read, tmp_path):
    file = tmp_path / "p.parquet"
    file.write_text("nothing")
    with pytest.raises(SD4MatchError, match=r"damaged|not a file") as caught:
        read(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_a_file_without_what_it_is_about_is_refused(tmp_path):
    file = write(pa.table({"x": [1]}), tmp_path / "p.parquet")
    assert settings_of(file) == []
    with pytest.raises(SD4MatchError, match="not a file of `sd4match predict`"):
        about_of(file)
