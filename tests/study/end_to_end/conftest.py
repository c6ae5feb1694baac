"""The installed commands on a tiny benchmark; Ray is the real one, in processes of its own."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from sd4match.testbed.shapes import generate

SPACE = """\
baseline: {backbone: nano, prompt: single, length: 4, image_size: 64, ensemble: 1, kernel: 3}
axes:
  prompt: [empty, single]
  timestep: [50, 261]
  layer: [0, 1]
data: {root: data, pairs: 6, evaluate: [pf_pascal, pf_willow]}
recipe: {steps: 4}
"""
MARK = "SD4MATCH_TEST"  # names a command's processes, Ray's included, by an inherited variable
ONE_WORKER = {"RAY_OVERRIDE_RESOURCES": '{"CPU": 1}'}
"""Every worker takes 9 s to import its libraries, so most launches get one."""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def refused(self, *words):
        """The command stopped with one line on standard error that says all of ``words``."""
        assert self.code == 1, self
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("error: ")
        missing = [word for word in words if word not in self.err]
        assert not missing, (missing, self.err)
        return True


class Terminal:
    """Runs the installed commands in a folder of its own.

    Args:
        folder: the working directory; holds ``data``, ``search_spaces`` and ``results``.
        environment: variables besides those of this process.
    """

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment
        self.mark = uuid.uuid4().hex
        # Ray's sockets live below it, and their paths must be short: no folder of pytest's.
        self.temporary = Path(tempfile.mkdtemp(prefix="e2e-"))

    def start(self, *command):
        """Start a command in a process group of its own, as a shell does."""
        program, *arguments = command
        return subprocess.Popen(
            [Path(sys.executable).parent / program, *arguments],
            cwd=self.folder,
            env=os.environ
            | {MARK: self.mark, "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1"}
            | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A test run in the background ignores Ctrl-C, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def wait(self, process):
        out, err = process.communicate(timeout=180)
        return Ended(process.returncode, out, err)

    def run(self, *command):
        return self.wait(self.start(*command))

    def processes(self, title=""):
        """Ids of the living processes that commands of this terminal left or are running."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                ours = f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes()
                # Ray's agents write their titles over their environment, but stay where they are.
                where = (entry / "cwd").readlink()
                ours |= self.folder in (where, *where.parents)
                if ours and title.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended, or is not ours to see
        return found

    def quiet(self, seconds=20):
        """Whether all its processes end within some seconds."""
        return _until(lambda: not self.processes(), seconds)

    def close(self):
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.temporary, ignore_errors=True)

    @property
    def results(self):
        return self.folder / "results"


def _until(condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(scope="session")
def until():
    """Wait until a condition holds; False when it never did."""
    return _until


@pytest.fixture(scope="session")
def hashes():
    """A function: file below a folder -> SHA-256 of its bytes.

    Hidden files are left out, and those that tell where numbers come from: each launch adds itself.
    """

    def of(folder, *parts):
        files = [file for part in parts or (".",) for file in (folder / part).rglob("*")]
        return {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.is_file()
            and not file.name.startswith(".")
            and file.name != "provenance.json"
            and file.suffix != ".diff"
        }

    return of


@pytest.fixture(scope="session")
def answers(hashes):
    """A function: the files of a results folder whose bytes must not depend on how it was run."""

    def of(results):
        kept = hashes(results, "store/predict", "store/score", "store/truth", "small/tables")
        prompts = hashes(results, "store/tune")
        return kept | {k: v for k, v in prompts.items() if k.endswith("prompt.safetensors")}

    return of


@pytest.fixture(scope="session")
def benchmark(tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmark") / "data"
    generate(root, scale=0.1)
    return root


@pytest.fixture(scope="session")
def open_terminal(benchmark, tmp_path_factory):
    """A function that opens a terminal in a new folder with the benchmark and the space."""
    opened = []

    def make(results=None, own_data=False, environment=ONE_WORKER):
        folder = tmp_path_factory.mktemp("terminal")
        (folder / "search_spaces").mkdir()
        (folder / "search_spaces" / "small.yaml").write_text(SPACE)
        if own_data:
            shutil.copytree(benchmark, folder / "data")
        else:
            (folder / "data").symlink_to(benchmark)
        if results is not None:
            shutil.copytree(results, folder / "results")
        opened.append(Terminal(folder, environment))
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()


@pytest.fixture(scope="session")
def launched(open_terminal):
    """The study ``small``, launched once for all that only reads: (terminal, how it ended).

    By as many workers as there are cores.
    """
    terminal = open_terminal(environment={})
    return terminal, terminal.run("study", "launch", "small")


@pytest.fixture
def ask(monkeypatch, capsys):
    """Run a ``study`` command in this process, which saves seconds of imports: `Ended`."""
    from study import cli

    def run(terminal, *arguments):
        monkeypatch.chdir(terminal.folder)
        for name, value in terminal.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["study", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return Ended(end.value.code or 0, said.out, said.err)

    return run
