"""Two launches of one study on one machine: the second is refused."""

import signal
import subprocess
import sys

import pytest

from sd4match.errors import SD4MatchError
from study.store.lock import alone


def test_a_second_launch_is_refused_with_the_first_ones_name(tmp_path):
    folder = tmp_path / "results" / "small"
    with alone(folder):
        refused = pytest.raises(SD4MatchError, match=r"small is being launched by process \d+ on ")
        with refused, alone(folder):
            pytest.fail("not alone")
        assert (folder / ".launch").exists()
    assert not folder.parent.exists()  # nothing was put into it


def test_what_a_launch_made_stays(tmp_path):
    with alone(tmp_path / "small"):
        (tmp_path / "small" / "study.json").touch()
    assert [file.name for file in (tmp_path / "small").iterdir()] == ["study.json"]


def test_the_lock_of_a_killed_launch_is_nobodys(tmp_path):
    hold = (
        "import sys, time, pathlib; from study.store.lock import alone\n"
        "with alone(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "small")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        refused = pytest.raises(SD4MatchError, match=f"process {process.pid} on")
        with refused, alone(tmp_path / "small"):
            pytest.fail("not alone")
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "small" / ".launch").exists()
    with alone(tmp_path / "small"):
        assert str(process.pid) not in (tmp_path / "small" / ".launch").read_text()
