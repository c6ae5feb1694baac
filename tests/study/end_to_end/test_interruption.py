"""Whatever ends a launch, the next one ends with the bytes of an undisturbed one."""

import os
import signal

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(open_terminal, until):
    """A Ray cluster of one CPU: (the terminal it runs in, its address)."""
    terminal = open_terminal()
    port = 20_000 + os.getpid() % 10_000
    process = terminal.start(
        "ray", "start", "--head", "--block", "--num-cpus=1", f"--port={port}",
        "--include-dashboard=false", "--object-store-memory=100000000", "--disable-usage-stats",
    )  # fmt: skip
    assert until(lambda: terminal.processes("raylet/raylet"))
    yield terminal, f"127.0.0.1:{port}"
    terminal.close()
    terminal.wait(process)


def test_ctrl_c_a_killed_driver_and_a_killed_worker(
    launched, cluster, open_terminal, until, answers
):
    """One story, because every launch costs seconds: each start continues the last one.

    It ends on a cluster of one worker, and is compared with a launch on this machine's workers.
    """
    terminal = open_terminal()
    store = terminal.results / "store"

    process = terminal.start("study", "launch", "small")
    assert until(lambda: list(store.glob("latents/*.json")))
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to the whole group
    ended = terminal.wait(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert terminal.quiet()
    assert not list(store.glob("tune/*/prompt.safetensors"))

    process = terminal.start("study", "launch", "small")
    assert until(lambda: list(store.glob("tune/*/checkpoint.pt")))  # in the middle of a tuning
    process.kill()
    terminal.wait(process)
    assert not list(store.glob("tune/*/prompt.safetensors"))

    workers, address = cluster
    process = terminal.start("study", "launch", "small", f"cluster.address={address}")
    assert until(lambda: workers.processes("ray::ResourceTrainable.train"))
    os.kill(workers.processes("ray::ResourceTrainable")[0], signal.SIGKILL)
    ended = terminal.wait(process)
    assert (ended.code, ended.err) == (0, "")
    assert "FAILED" not in ended.out

    wanted = answers(launched[0].results)
    assert {file.split("/")[1] for file in wanted} == {
        "predict",
        "score",
        "tables",
        "truth",
        "tune",
    }
    assert answers(terminal.results) == wanted
