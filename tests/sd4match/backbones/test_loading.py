import json
import os
import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from sd4match import backbones
from sd4match.errors import SD4MatchError
from sd4match.features import extract

from ..near import assert_near

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


def models(backbone):
    return backbone.unet, backbone.vae, backbone.text_encoder


@pytest.mark.slow
def test_nano_is_frozen_and_small(nano):
    everything = [*models(nano), nano.image_encoder("dino").model]
    parameters = [p for model in everything for p in model.parameters()]
    assert not any(model.training for model in everything)
    assert not any(p.requires_grad for p in parameters)
    assert 4e6 < sum(p.numel() for p in nano.unet.parameters()) < 6e6
    assert 2 * sum(p.numel() for p in parameters) < 16e6
    sizes = nano.image_size, nano.vae_factor, nano.hidden_size
    assert sizes == (128, 4, 128)
    assert nano.max_tokens == 77


@pytest.mark.slow
def test_folder_loads_as_what_it_is(tiny):
    backbone = load(tiny)
    assert (backbone.image_size, backbone.vae_factor, backbone.hidden_size) == (64, 8, 32)
    assert backbone.scheduler.config.beta_schedule == "scaled_linear"
    stored = load_file(tiny / UNET)
    for name, tensor in backbone.unet.state_dict().items():
        assert torch.equal(tensor, stored[name])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", torch.float16])
def test_dtype_reaches_every_model(tiny, dtype):
    backbone = load(tiny, dtype=dtype)
    assert {model.dtype for model in models(backbone)} == {backbone.dtype}
    assert backbone.dtype in (torch.bfloat16, torch.float16)


@pytest.mark.slow
def test_plain_attention_and_channels_last_give_the_same_features(tiny):
    """The options change how things are computed, to the last bits of what comes out."""
    plain, memory = load(tiny, attention="plain"), load(tiny, channels_last=True)
    inputs = torch.randn(1, 4, 8, 8), 50, torch.randn(1, 77, 32)
    with torch.no_grad():
        expected, *found = (b.unet(*inputs).sample for b in (load(tiny), plain, memory))
    assert memory.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    names = {type(p).__name__ for p in plain.unet.attn_processors.values()}
    assert names == {"AttnProcessor"}
    for maps in found:
        assert_near(maps, expected)


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("ATEN_CPU_CAPABILITY") == "default", reason="torch writes C++ that is none then"
)
def test_compiled_blocks_give_the_same_features_and_gradients(tiny):
    backbones_ = load(tiny), load(tiny, compile=True)
    latents, noise = torch.randn(2, 4, 8, 8), torch.randn(2, 1, 4, 8, 8)
    start = torch.randn(2, 77, 32)
    found = []
    for backbone in backbones_:
        hidden = start.clone().requires_grad_()
        maps = extract(backbone, latents, hidden, timestep=50, layers=[1, 2], noise=noise)
        sum(values.square().sum() for values in maps.values()).backward()
        found.append([*maps.values(), hidden.grad])
    for expected, compiled in zip(*found, strict=True):
        assert_near(compiled, expected, relative=1e-4)


def test_an_unknown_attention_names_the_known_ones(tiny):
    with pytest.raises(SD4MatchError, match="attention 'flash': known: "):
        load(tiny, attention="flash")


def drop_shape(tensors):
    tensors["conv_in.weight"] = tensors["conv_in.weight"][:, :3].clone()


DAMAGE = {
    "no weights": (lambda f: (f / UNET).rename(f / "unet/pytorch_model.bin"), "no safetensors"),
    "unet key missing": (
        lambda f: edit_weights(f / UNET, lambda t: t.pop("conv_in.bias")),
        "1 weights missing .*conv_in.bias",
    ),
    "unet key unexpected": (
        lambda f: edit_weights(f / UNET, lambda t: t.update(extra=torch.ones(1))),
        "1 weights unexpected .*extra",
    ),
    "unet shape": (lambda f: edit_weights(f / UNET, drop_shape), "unet.*conv_in.weight"),
    "text key missing": (
        lambda f: edit_weights(f / TEXT, lambda t: t.pop(sorted(t)[0])),
        "text_encoder: 1 weights missing",
    ),
    "text keys all renamed": (
        lambda f: edit_weights(
            f / TEXT,
            lambda t: [t.update({f"other.{k}": t.pop(k)}) for k in list(t)],
        ),
        "text_encoder: [0-9]+ weights missing",
    ),
    "truncated file": (
        lambda f: (f / UNET).write_bytes((f / UNET).read_bytes()[:5000]),
        "unet: not loadable as UNet2DConditionModel",
    ),
    "no vae": (lambda f: shutil.rmtree(f / "vae"), "no sub-folder vae"),
    "no config": (lambda f: (f / "vae/config.json").unlink(), "vae/config.json: missing"),
    "broken json": (
        lambda f: (f / "unet/config.json").write_text("{"),
        "unet/config.json: not readable as JSON",
    ),
    "json list": (lambda f: (f / "unet/config.json").write_text("[]"), "not a JSON object"),
    "three up blocks": (
        lambda f: edit_json(f / "unet/config.json", up_block_types=["UpBlock2D"] * 3),
        "3 up blocks",
    ),
    "other width": (
        lambda f: edit_json(f / "unet/config.json", cross_attention_dim=64),
        "cross_attention_dim is 64 but .* hidden_size is 32",
    ),
    "inpainting": (lambda f: edit_json(f / "unet/config.json", in_channels=9), "takes 9 channels"),
    "other class": (
        lambda f: edit_json(f / "unet/config.json", _class_name="SD3Transformer2DModel"),
        "describes a SD3Transformer2DModel",
    ),
    "no size": (
        lambda f: edit_json(f / "text_encoder/config.json", hidden_size=None),
        "text_encoder/config.json lacks hidden_size",
    ),
    "no vocabulary": (lambda f: (f / "tokenizer/vocab.json").unlink(), "tokenizer"),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_clear_line(tiny, damage):
    break_it, message = DAMAGE[damage]
    break_it(tiny)
    with pytest.raises(SD4MatchError, match=message) as caught:
        load(tiny)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_unknown_noise_schedule_is_refused(tiny):
    edit_json(tiny / "scheduler" / "scheduler_config.json", beta_schedule="cubic")
    with pytest.raises(SD4MatchError, match="not usable as a noise schedule"):
        load(tiny)


@pytest.mark.slow
def test_half_precision_files_load_alone_and_in_shards(tiny, tiny_original):
    for part, stem in (("vae", "diffusion_pytorch_model"), ("text_encoder", "model")):
        file = tiny / part / f"{stem}.safetensors"
        halves = {name: value.half() for name, value in load_file(file).items()}
        save_file(halves, tiny / part / f"{stem}.fp16.safetensors", metadata={"format": "pt"})
        file.unlink()
    shutil.rmtree(tiny / "unet")
    unet = UNet2DConditionModel.from_pretrained(tiny_original / "unet").half()
    unet.save_pretrained(tiny / "unet", variant="fp16", max_shard_size="50KB")
    assert len(list((tiny / "unet").glob("*fp16-*.safetensors"))) > 1

    found = backbones.load(str(tiny), device="cpu", dtype="float32")
    whole = backbones.load(str(tiny_original), device="cpu", dtype="float32")
    for part in ("unet", "vae", "text_encoder"):
        theirs = getattr(whole, part).state_dict()
        for name, value in getattr(found, part).state_dict().items():
            assert torch.equal(value, theirs[name].half().float()), f"{part}/{name}"
