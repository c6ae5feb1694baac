"""What cannot be computed is named; what can be computed is there."""

import csv
from pathlib import Path

import pytest

from study.store.lock import alone

pytestmark = pytest.mark.slow
FEW = ("data.pairs=null", "data.evaluate=[pf_pascal]")


def _cut(terminal, split, line):
    """Cut the source image of a pair in the middle: it opens, and does not decode."""
    root = terminal.folder / "data" / "pf-pascal"
    with (root / f"{split}_pairs.csv").open() as file:
        image = root / list(csv.DictReader(file))[line]["source_image"]
    content = image.read_bytes()
    image.write_bytes(content[: len(content) // 2])
    return image.name


def test_a_failure_stops_what_needs_it_and_nothing_else(open_terminal, ask):
    terminal = open_terminal(own_data=True)
    image = _cut(terminal, "trn", -1)  # past the batch that the preflight tries
    ended = ask(terminal, "launch", "small", *FEW)
    assert ended.code == 2
    assert ended.err == ""
    assert "FAILED      latents pf_pascal train" in ended.out
    assert "study status small" in ended.out
    status = ask(terminal, "status", "small", "--json").json
    assert status["results"] == 8
    assert status["done"] == 2  # the empty prompt, on both splits
    assert sum(status["missing"].values()) == 6
    assert all(image in reason for reason in status["missing"])
    assert image in ask(terminal, "status", "small").out
    logs = {key: Path(file) for key, file in status["logs"].items()}
    first = [file.read_text() for key, file in logs.items() if "latents" in file.read_text()]
    assert any("start   latents pf_pascal train" in text and image in text for text in first)
    assert all(key in file.name for key, file in logs.items())
    assert ask(terminal, "best", "small", "--json").json["settings"]["prompt"] == "empty"
    assert (terminal.results / "small" / "tables" / "prompt.md").exists()


def test_a_failed_preflight_stops_everything(open_terminal, ask):
    terminal = open_terminal(own_data=True)
    image = _cut(terminal, "val", 0)
    ended = ask(terminal, "launch", "small", *FEW)
    assert ended.refused("preflight", image)
    assert not {"predict", "score", "tune", "truth"} & {
        file.name for file in (terminal.results / "store").glob("*")
    }
    assert not (terminal.results / "small" / "tables").exists()
    assert ask(terminal, "status", "small", "--json").json["done"] == 0


def test_no_data_no_results(open_terminal, ask, benchmark):
    terminal = open_terminal()
    ended = ask(terminal, "launch", "small", "data.root=/nowhere")
    assert ended.refused("data set missing", "/nowhere", "sd4match data shapes", "data.root")
    (terminal.folder / "data").unlink()
    (terminal.folder / "data").mkdir()
    for part in ("pf-pascal", "pf-willow"):
        (terminal.folder / "data" / part).symlink_to(benchmark / part)
    trained_elsewhere = ask(terminal, "launch", "small", "baseline.train.data=spair")
    assert trained_elsewhere.refused("data set missing: spair")
    assert not terminal.results.exists()


def test_more_than_the_machine_has(open_terminal, ask):
    terminal = open_terminal()
    ended = ask(terminal, "launch", "small", "resources.cpus_per_trial=4096")
    assert ended.refused("resources.cpus_per_trial=4096", "this machine has")


def test_a_cluster_that_is_not_there(open_terminal, ask):
    terminal = open_terminal()
    ended = ask(terminal, "launch", "small", "cluster.address=127.0.0.1:1")
    assert ended.refused("cluster.address=127.0.0.1:1", "cannot reach Ray")


def test_a_second_launch_of_a_study_is_refused(launched, ask):
    terminal, _ = launched
    with alone(terminal.results / "small"):
        ended = ask(terminal, "launch", "small")
    assert ended.refused("study small is being launched by process", "wait for it, or stop it")


def test_what_a_disk_damaged_is_computed_again(launched, open_terminal, ask, answers):
    terminal = open_terminal(results=launched[0].results)
    for pattern in ("predict/*/*.parquet", "score/*/*.parquet", "tune/*/prompt.safetensors"):
        file, *_ = sorted((terminal.results / "store").glob(pattern))
        content = file.read_bytes()
        file.write_bytes(content[:90] + bytes([content[90] ^ 1]) + content[91:])
    ended = ask(terminal, "launch", "small")
    assert ended.code == 0
    assert ended.out.count("removed, and computed again") == 3
    assert answers(terminal.results) == answers(launched[0].results)
