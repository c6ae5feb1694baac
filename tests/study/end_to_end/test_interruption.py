"""Whatever ends a launch, the next one ends with the bytes of an undisturbed one."""

import os
import re
import signal

import pytest

pytestmark = pytest.mark.slow


def test_sigterm_a_killed_driver_and_a_killed_worker(launched, open_terminal, until, answers):
    """One story, because every launch costs seconds: each start continues the last one."""
    terminal = open_terminal()
    store = terminal.results / "store"

    process = terminal.start("study", "launch", "small")
    assert until(lambda: list(store.glob("latents/*.json")))
    process.send_signal(signal.SIGTERM)  # as Slurm, Kubernetes and `timeout` do
    ended = terminal.wait(process)
    assert ended.code == 143
    assert ended.err == "stopping: what is done is kept\n"
    last = ended.out.splitlines()[-1]
    assert re.fullmatch(r"stopped; \d+ of \d+ done; the same command continues", last), ended
    assert terminal.quiet()
    assert not list(store.glob("tune/*/prompt.safetensors"))

    process = terminal.start("study", "launch", "small")
    assert until(lambda: list(store.glob("tune/*/checkpoint.pt")))  # in the middle of a tuning
    process.kill()
    terminal.wait(process)
    assert not list(store.glob("tune/*/prompt.safetensors"))

    terminal.close()  # what the killed driver left
    terminal.temporary.mkdir()
    process = terminal.start("study", "launch", "small")
    assert until(lambda: terminal.processes("ray::ResourceTrainable.train"))
    os.kill(terminal.processes("ray::ResourceTrainable")[0], signal.SIGKILL)
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
    found = answers(terminal.results)
    # Other tests score the launched study's predictions anew under other rules.
    assert found.items() <= wanted.items()
    assert {f for f in wanted.keys() - found.keys() if "/score/" not in f} == set()
