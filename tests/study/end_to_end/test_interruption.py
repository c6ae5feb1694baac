"""Whatever ends a launch, the next one ends with the bytes of an undisturbed one."""

import os
import signal

import pytest

pytestmark = pytest.mark.slow


def test_a_study_survives_ctrl_c_a_killed_driver_and_a_killed_worker(
    launched, open_terminal, until, answers
):
    """One story, because every launch costs seconds: each start continues the last one."""
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
    assert terminal.quiet()  # Ray ends with its driver
    assert not list(store.glob("tune/*/prompt.safetensors"))

    process = terminal.start("study", "launch", "small")
    assert until(lambda: terminal.processes("ray::ResourceTrainable.train"))
    os.kill(terminal.processes("ray::ResourceTrainable")[0], signal.SIGKILL)
    ended = terminal.wait(process)
    assert (ended.code, ended.err) == (0, "")
    assert "FAILED" not in ended.out

    undisturbed, _ = launched
    wanted = answers(undisturbed.results)
    assert any("predict/" in file for file in wanted)
    assert any("tables/" in file for file in wanted)
    assert answers(terminal.results) == wanted


def test_one_worker_on_a_cluster_gives_the_bytes_of_a_whole_machine(
    launched, open_terminal, until, answers
):
    terminal = open_terminal()
    port = 20_000 + os.getpid() % 10_000
    cluster = terminal.start(
        "ray", "start", "--head", "--block", "--num-cpus=1", f"--port={port}",
        "--include-dashboard=false", "--object-store-memory=100000000", "--disable-usage-stats",
    )  # fmt: skip
    try:
        assert until(lambda: terminal.processes("raylet/raylet"), 60)
        ended = terminal.run("study", "launch", "small", f"cluster.address=127.0.0.1:{port}")
    finally:
        terminal.close()
        terminal.wait(cluster)
    assert (ended.code, ended.err) == (0, "")
    assert answers(terminal.results) == answers(launched[0].results)
