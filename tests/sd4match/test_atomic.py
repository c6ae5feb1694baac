"""Files that are whole or not there, and readable by whom the umask says."""

import os
import threading

import pytest

from sd4match.atomic import atomic_path


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "one.txt"
    file.write_text("old")

    def fail():
        with atomic_path(file) as temporary:
            assert (temporary.parent, temporary.suffix) == (tmp_path, ".txt")
            temporary.write_text("half")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_files_have_the_mode_that_the_umask_says_whatever_other_threads_write(tmp_path):
    def write(name):
        for _ in range(200):
            with atomic_path(tmp_path / name) as temporary:
                temporary.write_text(name)

    before = os.umask(0o027)
    try:
        threads = [threading.Thread(target=write, args=[f"{n}.txt"]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        after = os.umask(before)
    assert after == 0o027
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o640}
