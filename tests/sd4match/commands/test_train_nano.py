"""The whole command: from nothing to a backbone that loads."""

import json
import shutil
import subprocess
import sys
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from sd4match import backbones
from sd4match.backbones.folders import NANO_FOLDER
from sd4match.commands import program
from sd4match.commands.train_nano import app, train
from sd4match.testbed.nano.training.diffusion import AIMS, DiffusionStage

pytestmark = pytest.mark.slow

WEIGHTS = ("vae", "unet", "text_encoder", "image_encoder")
STAGES = ["autoencoder", *AIMS, "image_encoder"]
NOT_MADE = {"README.md"}  # tells of the shipped run


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "sd4match.commands.train_nano", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def config(path, **changes):
    stage = {"steps": 1, "batch": 2, "learning_rate": 1e-3, "checkpoint_every": 1}
    stages = {**dict.fromkeys(STAGES, stage), "diffusion": {**stage, "steps": 3}}
    path.write_text(json.dumps({"seed": 5, "images": 28, **stages, **changes}))
    return path


def weights(run):
    return {
        f"{name}/{key}": tensor
        for name in WEIGHTS
        for key, tensor in load_file(next((run / "nano" / name).glob("*.safetensors"))).items()
    }


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert [name for name in found if not torch.equal(found[name], expected[name])] == []


def written(run):
    """When every file but the exported ones was written."""
    return {path.name: path.stat().st_mtime_ns for path in run.glob("*.*")}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return config(tmp_path_factory.mktemp("settings") / "tiny.json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny):
    run = tmp_path_factory.mktemp("runs") / "one"
    done = command(run, "--config", tiny, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert str(run / "nano") in done.stdout.replace("\n", "")
    return run


@pytest.fixture
def drawn(trained, tmp_path):
    """A run that has its drawings and nothing else."""
    shutil.copytree(trained / "corpus-5-28", tmp_path / "run" / "corpus-5-28")
    return tmp_path / "run"


@pytest.fixture
def copied(trained, tmp_path):
    """The run again, for a test to change."""
    return shutil.copytree(trained, tmp_path / "run")


def test_the_result_is_a_backbone(trained):
    backbone = backbones.load(str(trained / "nano"), device="cpu")
    assert backbone.image_size == 128
    assert backbone.vae.config.scaling_factor != 1.0
    assert backbone.image_encoder("dino").shape("feat") == (256, 96)
    shipped = {path.name for path in NANO_FOLDER.iterdir()}
    assert {path.name for path in (trained / "nano").iterdir()} == shipped - NOT_MADE


def test_weights_are_small_and_learned(trained):
    floating = [tensor for tensor in weights(trained).values() if tensor.is_floating_point()]
    assert {tensor.dtype for tensor in floating} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in floating)
    stages = [json.loads(line)["stage"] for line in (trained / "log.jsonl").open()]
    assert stages == STAGES


def test_the_same_command_again_finds_all_done(trained, tiny):
    expected, log = weights(trained), (trained / "log.jsonl").read_text()
    before = {name: time for name, time in written(trained).items() if "-" in name}
    assert len(before) == len(STAGES) + 1
    train(trained, tiny, "cpu")
    assert before.items() <= written(trained).items()
    assert (trained / "log.jsonl").read_text() == log
    assert_same(weights(trained), expected)


def test_another_run_ends_with_the_same_weights(trained, tiny, drawn):
    torch.manual_seed(99)  # what else was drawn in a process changes nothing
    train(drawn, tiny, "cpu")
    assert_same(weights(drawn), weights(trained))


def test_interrupted_in_the_middle_of_diffusion_it_ends_with_the_same_weights(
    trained, tiny, drawn, monkeypatch
):
    whole = DiffusionStage.losses

    def interrupted(self, step):
        if step == 2:
            raise KeyboardInterrupt
        return whole(self, step)

    monkeypatch.setattr(DiffusionStage, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(drawn, tiny, "cpu")
    monkeypatch.undo()
    (checkpoint,) = drawn.glob("diffusion-*.pt")
    assert torch.load(checkpoint, weights_only=True)["step"] == 2
    train(drawn, tiny, "cpu")
    assert_same(weights(drawn), weights(trained))
    assert {path.name for path in drawn.iterdir()} == {path.name for path in trained.iterdir()}


def test_what_is_removed_is_made_again_and_nothing_else(trained, tiny, copied):
    (checkpoint,) = copied.glob("autoencoder-*.pt")
    before = written(copied)
    checkpoint.unlink()
    train(copied, tiny, "cpu")
    after = written(copied)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {
        checkpoint.name, "training.json", "log.jsonl",
    }  # fmt: skip
    assert_same(weights(copied), weights(trained))


def test_in_bfloat16_as_on_a_gpu_a_stage_learns_about_the_same(trained, tiny, copied, monkeypatch):
    (checkpoint,) = copied.glob("generation-*.pt")
    checkpoint.unlink()
    half = partial(torch.autocast, "cpu", dtype=torch.bfloat16)
    monkeypatch.setattr("sd4match.testbed.nano.training.diffusion.mixed", lambda device: half())
    train(copied, tiny, "cpu")
    found, expected = weights(copied), weights(trained)
    assert any(not torch.equal(found[name], expected[name]) for name in found)
    for name, tensor in expected.items():  # a step moves a weight by its rate, 1e-3, at most
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=3e-3)


def test_what_came_from_another_autoencoder_is_not_taken(trained, tiny, copied, capsys):
    (checkpoint,) = copied.glob("autoencoder-*.pt")
    state = torch.load(checkpoint, weights_only=True)
    next(iter(state["averaged"].values())).add_(0.01)
    torch.save(state, checkpoint)
    train(copied, tiny, "cpu")
    new = {path.name for path in copied.iterdir()} - {path.name for path in trained.iterdir()}
    assert {name.split("-")[0] for name in new} == {"latents", *AIMS}
    (stale,) = trained.glob("diffusion-*.pt")
    assert f"diffusion starts again: {stale.name} came from other" in capsys.readouterr().out


def test_a_run_goes_on_with_its_own_settings_only(trained, tmp_path, monkeypatch, capsys):
    other = config(tmp_path / "other.json", seed=6)
    monkeypatch.setattr(sys, "argv", ["train_nano", str(trained), "--config", str(other)])
    with pytest.raises(SystemExit) as end:
        program.run(app)
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert "other settings" in said
    assert "Traceback" not in said
