"""Unusual users and terminals: every command works, or ends in one line that says what to set."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .world import fork

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MAIN = "from {0}.cli import main; main()"
# Reads everything, as in an image of another user's, and writes where all may.
NOBODY = (
    "setpriv", "--reuid=12345", "--regid=12345", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip
PLAN = ("study", "plan", "small")
TABLE = ("study", "table", "small", "timestep")
HISTORY = ("study", "plot", "searched", "history", "--format", "png", "--out", "drawn")
LAUNCH = ("study", "launch", "small", "results={}/new", "data.pairs=1")
LONG = "/tmp" + "/." * 40 + "/"
MATCH = (
    "sd4match", "match", "a.jpg", "b.jpg", "--point", "10,10", "--backbone", "nano",
    "--prompt", "empty", "--image-size", "32", "--ensemble", "1", "--device", "cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def copy(world, tmp_path_factory):
    """The world, whose folder all may write to; its results only their owner may."""
    folder = fork(world, tmp_path_factory.mktemp("machines") / "copy")
    folder.chmod(0o777)
    pictures = sorted((folder / "data").rglob("*.jpg"))
    for name, picture in zip("ab", pictures, strict=False):
        shutil.copy(picture, folder / f"{name}.jpg")
    return folder


def run(folder, command, *before, after="", **environment):
    """Run a command in the folder, with these variables alone; ``after``: more of the shell's."""
    program, *arguments = command
    line = [*before, sys.executable, "-c", MAIN.format(program), *arguments]
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {after}', "bash", *line],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def nobody(copy):
    """Run a command as a user without name and home folder."""
    if os.getuid() or not shutil.which("setpriv"):
        pytest.skip("only root may become another user, with setpriv")
    if subprocess.run([*NOBODY, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this root may not keep the right to read, so that user cannot start Python")

    def call(command, **environment):
        return run(copy, command, *NOBODY, **environment)

    return call


@pytest.mark.parametrize(
    ("command", "environment", "says"),
    [
        (PLAN, {}, None),
        (TABLE, {}, None),
        (("study", "status", "small"), {}, None),
        (MATCH, {}, "this user has no home folder: set SD4MATCH_CACHE"),
        (PLAN, {"SD4MATCH_CACHE": "~/cache"}, "set SD4MATCH_CACHE"),
        (PLAN, {"SD4MATCH_CACHE": "{}/cache"}, None),
        (PLAN, {"HOME": "/"}, None),
        (TABLE, {"HOME": "/nonexistent"}, None),
        (HISTORY, {"HOME": "/"}, None),
        (MATCH, {"HOME": "/"}, "SD4MATCH_CACHE names another cache folder"),
        (MATCH, {"SD4MATCH_CACHE": "{}/cache"}, None),
        (("study", "launch", "small"), {"HOME": "/"}, "launch with results="),
        (("study", "report", "small"), {"HOME": "/"}, "report.html cannot be written"),
        (LAUNCH, {"SD4MATCH_CACHE": "{}/cache"}, "this user has none: set HOME"),
        (LAUNCH, {"HOME": "/", "SD4MATCH_CACHE": "{}/cache", "TMPDIR": LONG}, "RAY_TMPDIR names"),
        (LAUNCH, {"HOME": "/", "SD4MATCH_CACHE": "{}/cache", "RAY_TMPDIR": "/none"}, "RAY_TMPDIR"),
    ],
)
def test_a_user_without_home(nobody, copy, command, environment, says):
    command = [text.replace("{}", str(copy)) for text in command]
    ended = nobody(command, **{name: text.format(copy) for name, text in environment.items()})
    assert "Traceback" not in ended.stderr
    if says is None:
        assert (ended.returncode, ended.stderr) == (0, "")
    else:
        assert ended.returncode == 1
        assert ended.stderr.startswith("error: ")
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert says in ended.stderr


def test_a_working_folder_that_is_gone(copy, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    ended = run(folder, PLAN, "bash", "-c", 'rmdir "$PWD"; exec "$@"', "bash", HOME=str(tmp_path))
    assert ended.stderr.startswith("error: the working folder is gone")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [PLAN, TABLE, ("study", "--help"), ("study", "plan", "none")])
def test_a_closed_pipe_ends_it_without_a_word(copy, tmp_path, command):
    for after in ("| true", "2>&1 | true", ">&-", "2>&-"):
        ended = run(copy, command, after=after, HOME=str(tmp_path))
        assert "Traceback" not in ended.stderr, after
        assert "Exception ignored" not in ended.stderr, after


def test_a_full_disk_behind_the_output_is_one_line(copy, tmp_path):
    ended = run(copy, TABLE, after="> /dev/full", HOME=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: [Errno 28]")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
@pytest.mark.parametrize("command", [PLAN, TABLE, ("study", "status", "small")])
def test_any_encoding(copy, tmp_path, command, encoding):
    ended = run(copy, command, HOME=str(tmp_path), PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, "")
