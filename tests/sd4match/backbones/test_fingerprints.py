"""Fingerprints of pipeline folders."""

import json
import shutil

import pytest
import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTokenizer

from sd4match import backbones
from sd4match.errors import SD4MatchError

pytestmark = pytest.mark.slow

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(path, edit):
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def edit_all(folder, convert):
    for file in folder.rglob("*.safetensors"):
        tensors = {name: convert(value) for name, value in load_file(file).items()}
        save_file(tensors, file, metadata={"format": "pt"})


def swap_merges(file):
    first, one, two, *rest = file.read_text().splitlines()
    file.write_text("\n".join([first, two, one, *rest]))


def load(folder, **options):
    return backbones.load(str(folder), device="cpu", **options)


@pytest.fixture(scope="module")
def original(tiny_original):
    return load(tiny_original)


def test_hashes_need_no_cache(tiny, tmp_path, monkeypatch):
    expected = backbones.identify(str(tiny))
    (tmp_path / "file").touch()
    monkeypatch.setenv("SD4MATCH_CACHE", str(tmp_path / "file" / "cache"))
    assert backbones.identify(str(tiny)) == expected


def test_fingerprint_ignores_place_and_layout(tiny, tmp_path):
    moved = shutil.copytree(tiny, tmp_path / "elsewhere" / "other-name")
    changes = {"_name_or_path": "/some/where", "_diffusers_version": "9", "sample_size": [8, 12]}
    edit_json(moved / "unet" / "config.json", dropout=0.1, **changes)
    assert backbones.identify(str(moved)) == backbones.identify(str(tiny))


def resaved(folder):
    """As diffusers and transformers write it today."""
    for kind, part in (
        (UNet2DConditionModel, "unet"),
        (AutoencoderKL, "vae"),
        (CLIPTextModel, "text_encoder"),
        (CLIPTokenizer, "tokenizer"),
    ):
        model = kind.from_pretrained(folder / part)
        shutil.rmtree(folder / part)
        model.save_pretrained(folder / part)
    assert not (folder / "tokenizer" / "vocab.json").exists()


def sharded(folder):
    model = UNet2DConditionModel.from_pretrained(folder / "unet")
    shutil.rmtree(folder / "unet")
    model.save_pretrained(folder / "unet", max_shard_size="100KB")
    assert len(list((folder / "unet").glob("*.safetensors"))) > 1


def other_scheduler(folder):
    """Sampling is of no use here; only the noise levels count."""
    PNDMScheduler.from_pretrained(folder / "scheduler").save_pretrained(folder / "scheduler")


def old_names(folder):
    """Of attention, as before diffusers 0.18, and of text models, as before transformers 5.6."""
    new = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(folder / VAE)
    for name in [name for name in tensors if "mid_block.attentions" in name]:
        old = name
        for present, former in new.items():
            old = old.replace(present, former)
        tensors[old] = tensors.pop(name)
    assert any("proj_attn" in name for name in tensors)
    save_file(tensors, folder / VAE, metadata={"format": "pt"})
    text = {
        name.removeprefix("text_model."): value for name, value in load_file(folder / TEXT).items()
    }
    text["embeddings.position_ids"] = torch.arange(77)[None]
    save_file(
        {f"text_model.{n}": v for n, v in text.items()}, folder / TEXT, metadata={"format": "pt"}
    )


@pytest.mark.parametrize(
    "change", [resaved, sharded, other_scheduler, old_names], ids=lambda change: change.__name__
)
def test_fingerprint_ignores_how_files_are_laid_out(tiny, original, change):
    change(tiny)
    after = load(tiny)
    assert after.fingerprint == original.fingerprint == backbones.identify(str(tiny))
    for part in ("unet", "vae", "text_encoder"):
        expected = getattr(original, part).state_dict()
        found = getattr(after, part).state_dict()
        assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_float32_copy_of_half_weights_is_the_same_backbone(tiny):
    edit_all(tiny, torch.Tensor.half)
    half = backbones.identify(str(tiny))
    edit_all(tiny, torch.Tensor.float)
    assert backbones.identify(str(tiny)) == half


def test_a_half_copy_of_float32_weights_is_another_backbone(tiny):
    before = backbones.identify(str(tiny))
    edit_all(tiny, torch.Tensor.half)
    assert backbones.identify(str(tiny)) != before


def test_damaged_weights_are_named(tiny):
    (tiny / UNET).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(SD4MatchError, match=r"unet/diffusion.*: not a safetensors file .*again"):
        backbones.identify(str(tiny))


@pytest.mark.parametrize(
    "change",
    [
        lambda f: edit_json(f / "scheduler" / "scheduler_config.json", beta_end=0.02),
        lambda f: edit_json(f / "vae" / "config.json", scaling_factor=0.5),
        lambda f: edit_json(
            f / "tokenizer" / "tokenizer_config.json",
            added_tokens_decoder={},
            pad_token="<|endoftext|>",
        ),
        lambda f: edit_json(f / "tokenizer" / "special_tokens_map.json", pad_token="?"),
        lambda f: edit_json(f / "tokenizer" / "vocab.json", zebra=9),
        lambda f: swap_merges(f / "tokenizer" / "merges.txt"),
        lambda f: edit_json(f / "unet" / "config.json", norm_eps=1e-6),
        lambda f: edit_json(f / "unet" / "config.json", an_option_of_tomorrow="on"),
        lambda f: edit_json(f / "text_encoder" / "config.json", num_attention_heads=4),
        lambda f: edit_weights(f / VAE, lambda t: t.pop("quant_conv.bias")),
        lambda f: edit_weights(f / UNET, lambda t: t["conv_in.bias"].add_(1)),
        lambda f: edit_weights(f / TEXT, lambda t: next(iter(t.values())).add_(1)),
    ],
    ids=[
        "scheduler", "vae config", "padding", "special tokens", "vocabulary", "merges",
        "unet config", "unknown option", "heads", "missing weight", "unet weights", "text weights",
    ],
)  # fmt: skip
def test_fingerprint_sees(tiny, change):
    before = backbones.identify(str(tiny))
    change(tiny)
    assert backbones.identify(str(tiny)) != before
