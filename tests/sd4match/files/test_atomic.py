"""Files that are whole or not there, and readable by whom the umask says."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from sd4match.files.atomic import ABANDONED, atomic_path, remove_abandoned


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


@pytest.mark.slow
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


KILLED = """
import os, signal, sys
from sd4match.files.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_when_it_is_old(tmp_path):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "one.parquet")])
    assert ended.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    others = {tmp_path / name for name in (".gitignore", ".launch", "one.parquet")}
    for file in others:
        file.touch()
    remove_abandoned(tmp_path)
    assert left.exists()  # its writer may be at work
    long_ago = time.time() - ABANDONED - 1
    for file in (left, *others):
        os.utime(file, (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == others
    remove_abandoned(tmp_path / "none")
