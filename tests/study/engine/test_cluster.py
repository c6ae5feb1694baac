"""Nodes that ``ray start`` started, and the token that they ask for."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import ray
from ray import cloudpickle
from ray._private.services import get_node_ip_address
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

from benchmarks import made_up, waiting
from sd4match.errors import SD4MatchError
from study.engine import cluster
from study.engine.run import fit
from study.engine.work import Work
from study.store.study_folder import StudyFolder

pytestmark = pytest.mark.slow


class Nodes:
    """Nodes in processes of their own.

    Args:
        folder: for Ray's files; sockets live below it, and their paths must be short.
    """

    def __init__(self, folder):
        self._folder = folder
        self._address = f"127.0.0.1:{20_000 + os.getpid() % 10_000}"
        self._started = []

    def start(self, *options):
        """Start one; says where the cluster is, and which process to tell."""
        process = subprocess.Popen(
            [Path(sys.executable).parent / "ray", "start", "--block", "--node-ip-address=127.0.0.1",
             "--object-store-memory=100000000", "--disable-usage-stats", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self._started.append(process)
        said = ""
        while "runtime started" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        return process

    def head(self):
        """Start the first node, which runs no trials."""
        port = self._address.rpartition(":")[2]
        self.start(
            "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false",
            f"--temp-dir={self._folder}",
        )  # fmt: skip
        return self._address

    def worker(self):
        """Start a node that runs one trial at a time."""
        return self.start(f"--address={self._address}", "--num-cpus=1")

    def close(self):
        """Kill what was started, and nothing else."""
        everything = []
        for process in self._started:
            if process.poll() is None:
                everything += psutil.Process(process.pid).children(recursive=True)
                process.kill()
        for process in everything:
            with contextlib.suppress(psutil.Error):
                process.kill()


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """Nodes that ask for the token that this process has."""

    def look_again():
        AuthenticationTokenLoader.instance().reset_cache()
        Config.initialize("")

    token = tmp_path / "token"
    token.write_text("0123456789abcdef" * 4)
    cloudpickle.register_pickle_by_value(waiting)
    folder = tempfile.mkdtemp(prefix="nodes-")
    nodes = Nodes(folder)
    with monkeypatch.context() as patch:
        patch.setenv(cluster.MODE, "token")
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
        for name, value in cluster.SETTINGS.items():
            patch.setenv(name, value)
        look_again()
        yield nodes
        ray.shutdown()
    nodes.close()
    look_again()
    cloudpickle.unregister_pickle_by_value(waiting)
    shutil.rmtree(folder)


def test_a_cluster_that_asks_for_a_token_is_joined_with_it_alone(nodes, tmp_path, monkeypatch):
    address = nodes.head()
    nodes.worker()
    for name, value in (("RAY_AUTH_TOKEN", "f" * 64), ("RAY_AUTH_TOKEN_PATH", "/nowhere")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            patch.delenv(cluster.MODE)
            with pytest.raises(SD4MatchError, match="the cluster asks for a token"):
                cluster.obtain(address)

    done = []
    space = made_up.space_in(tmp_path, f"cluster.address={address}")
    with monkeypatch.context() as patch:
        patch.delenv(cluster.MODE)  # it has a token, and is to find out that it is wanted
        with cluster.joined(space):
            items = [Work("predict", f"item-{i}", "0.1", ("its stage",)) for i in range(2)]
            queue = made_up.MadeUp(items, lambda event, *_: done.append(event))
            fit(
                queue, space, StudyFolder.of(space), cluster.resources(space), [],
                ahead=4, trainable=waiting.Waiting,
            )  # fmt: skip
        assert os.environ[cluster.MODE] == "token"
    assert done.count("done") == 2


def test_a_ray_of_our_own_listens_on_loopback_only():
    others = get_node_ip_address()
    with cluster._loopback(True):
        assert get_node_ip_address() == "127.0.0.1"
    with cluster._loopback(False):
        assert get_node_ip_address() == others


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/tmp/ray/x"),
            "RAY_TMPDIR names another",
        ),
        (ValueError("AF_UNIX path length cannot exceed 107 bytes"), "RAY_TMPDIR names another"),
        (RuntimeError("Could not determine home directory."), ": set HOME"),
    ],
)
def test_a_local_ray_that_does_not_start_says_what_to_set(tmp_path, monkeypatch, error, says):
    def fail(**_):
        raise error

    monkeypatch.setattr(ray, "init", fail)
    space = made_up.space_in(tmp_path)
    refusal = pytest.raises(SD4MatchError, match=r"^cluster.address=local: cannot reach Ray")
    with refusal as refused, cluster.joined(space):
        pass
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_a_home_a_local_ray_gets_a_token_of_its_own(tmp_path, monkeypatch):
    given = []

    def look(**_):
        given.append(os.environ["RAY_AUTH_TOKEN"])
        raise OSError

    monkeypatch.setattr(ray, "init", look)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "")
    monkeypatch.setenv("HOME", os.devnull)  # no folder, and none can be made there
    with pytest.raises(SD4MatchError), cluster.joined(made_up.space_in(tmp_path)):
        pass
    assert len(given[0]) == 64
