"""The whole command: from nothing to a backbone that loads."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from sd4match import backbones
from sd4match.backbones.folders import NANO_FOLDER

WEIGHTS = ("vae", "unet", "text_encoder", "image_encoder")

STAGES = ["autoencoder", "diffusion", "refinement", "image_encoder"]


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "sd4match.backbones.train_nano", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def config(path, **changes):
    stage = {"steps": 2, "batch": 2, "learning_rate": 1e-3, "checkpoint_every": 1}
    stages = dict.fromkeys(STAGES, stage)
    path.write_text(json.dumps({"seed": 5, "images": 28, **stages, **changes}))
    return path


def weights(folder):
    return {name: load_file(next((folder / name).glob("*.safetensors"))) for name in WEIGHTS}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "one"
    done = command(run, "--config", config(run.parent / "tiny.json"))
    assert done.returncode == 0, done.stderr
    assert str(run / "nano") in done.stdout.replace("\n", "")
    return run


@pytest.mark.slow
def test_the_result_is_a_backbone(trained):
    backbone = backbones.load(str(trained / "nano"), device="cpu")
    assert backbone.image_size == 128
    assert backbone.vae.config.scaling_factor != 1.0
    assert backbone.image_encoder("dino").shape("feat") == (256, 96)
    shipped = {path.name for path in NANO_FOLDER.iterdir()}
    assert {path.name for path in (trained / "nano").iterdir()} == shipped


@pytest.mark.slow
def test_weights_are_small_and_learned(trained):
    tensors = [tensor for part in weights(trained / "nano").values() for tensor in part.values()]
    floating = [tensor for tensor in tensors if tensor.is_floating_point()]
    assert {tensor.dtype for tensor in floating} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in floating)
    stages = [json.loads(line)["stage"] for line in (trained / "log.jsonl").open()]
    assert stages == STAGES


@pytest.mark.slow
def test_the_same_command_again_finds_all_done(trained):
    before = weights(trained / "nano")
    done = command(trained, "--config", trained.parent / "tiny.json")
    assert done.returncode == 0, done.stderr
    for name, tensors in weights(trained / "nano").items():
        assert all(torch.equal(value, before[name][key]) for key, value in tensors.items())


@pytest.mark.slow
def test_a_run_goes_on_with_its_own_settings_only(trained, tmp_path):
    done = command(trained, "--config", config(tmp_path / "other.json", seed=6))
    assert done.returncode == 1
    assert "other settings" in done.stderr
    assert "Traceback" not in done.stderr
