"""Fingerprints of pipeline folders."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from sd4match import backbones

pytestmark = pytest.mark.slow

UNET = "unet/diffusion_pytorch_model.safetensors"


TEXT = "text_encoder/model.safetensors"


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(path, edit):
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def load(folder, **options):
    return backbones.load(str(folder), device="cpu", **options)


def test_hashes_need_no_cache(tiny, tmp_path, monkeypatch):
    expected = load(tiny).fingerprint
    (tmp_path / "file").touch()
    monkeypatch.setenv("SD4MATCH_CACHE", str(tmp_path / "file" / "cache"))
    assert load(tiny).fingerprint == expected


def test_fingerprint_ignores_place_and_layout(tiny, tmp_path):
    moved = shutil.copytree(tiny, tmp_path / "elsewhere" / "other-name")
    edit_json(moved / "unet" / "config.json", _name_or_path="/some/where", _diffusers_version="9")
    assert load(moved).fingerprint == load(tiny).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        lambda f: edit_json(f / "scheduler" / "scheduler_config.json", beta_end=0.02),
        lambda f: edit_json(f / "vae" / "config.json", scaling_factor=0.5),
        lambda f: edit_json(f / "tokenizer" / "tokenizer_config.json", pad_token="<|endoftext|>"),
        lambda f: edit_weights(f / UNET, lambda t: t["conv_in.bias"].add_(1)),
        lambda f: edit_weights(f / TEXT, lambda t: next(iter(t.values())).add_(1)),
    ],
    ids=["scheduler", "vae config", "tokenizer", "unet weights", "text weights"],
)
def test_fingerprint_sees(tiny, change):
    before = load(tiny).fingerprint
    change(tiny)
    assert load(tiny).fingerprint != before
