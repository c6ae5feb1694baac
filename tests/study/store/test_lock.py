"""Two launches of one study: the second is refused, on this machine and on others."""

import json
import signal
import socket
import subprocess
import sys
import time

import pytest

from sd4match.errors import SD4MatchError
from study.store import lock
from study.store.lock import alone, leased
from study.store.mirror import local


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


@pytest.fixture
def folder(results, machine):
    machine("one")
    return local(f"{results}/small")


def leave(bucket, folder, **state):
    """A launch's object, as another machine wrote it."""
    name = "/".join((*folder.parts[-2:], lock.FOLDER, "other.json"))
    bucket.write(name, json.dumps({"pid": 1, "host": "far", "time": time.time()} | state).encode())


@pytest.mark.slow
def test_a_second_lease_is_refused_with_the_first_ones_name(folder, bucket):
    with leased(folder):
        refused = pytest.raises(SD4MatchError, match=r"small is being launched by process \d+ on ")
        with refused, leased(folder):
            pytest.fail("not alone")
    assert not lock.Mirror(folder).read(folder / lock.FOLDER)  # type: ignore[attr-defined]
    with leased(folder):
        pass


@pytest.mark.slow
def test_a_launch_on_another_machine_counts_while_it_says_so(folder, bucket):
    leave(bucket, folder)
    with pytest.raises(SD4MatchError, match="by process 1 on far: wait"), leased(folder):
        pytest.fail("not alone")
    leave(bucket, folder, time=time.time() - 61)
    with leased(folder):
        pass


def test_a_killed_launch_of_this_machine_is_nobodys(folder, bucket):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    leave(bucket, folder, host=socket.gethostname(), pid=ended.pid)
    with leased(folder):
        pass


@pytest.mark.slow
def test_what_no_launch_wrote_is_nobodys(folder, bucket):
    for content in (b"", b"{}", b"[1]"):
        bucket.write("/".join((*folder.parts[-2:], lock.FOLDER, "other.json")), content)
        with leased(folder):
            pass


@pytest.mark.slow
def test_it_is_renewed_and_one_that_was_taken_over_stops(folder, monkeypatch):
    monkeypatch.setattr(lock, "RENEWED", 0.1)

    def taken_over():
        with leased(folder):
            mirror = lock.Mirror(folder)  # type: ignore[attr-defined]
            (name,) = first = mirror.read(folder / lock.FOLDER)
            end = time.monotonic() + 20
            while mirror.read(folder / lock.FOLDER) == first:
                assert time.monotonic() < end
            mirror.remove(folder / lock.FOLDER / name)  # what a launch does that thinks it is dead
            time.sleep(20)

    with pytest.raises(KeyboardInterrupt):
        taken_over()
