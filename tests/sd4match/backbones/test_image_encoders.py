"""DINOv2 and CLIP image encoders: true classes, tiny sizes."""

import json

import pytest
import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
)

from sd4match import backbones
from sd4match.errors import SD4MatchError

from ..near import assert_near


@pytest.fixture
def clip(save_encoder, tmp_path):
    """A whole CLIP, as the hub has it: its text half is left aside."""
    small = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    text = CLIPTextConfig(hidden_size=8, vocab_size=10, **small)
    vision = CLIPVisionConfig(hidden_size=12, image_size=28, patch_size=7, **small)
    halves = {"text_config": text.to_dict(), "vision_config": vision.to_dict()}
    for half in halves.values():  # LAION's files name it at the top only
        del half["projection_dim"]
    model = CLIPModel(CLIPConfig(**halves, projection_dim=6))
    folder = save_encoder(tmp_path / "clip", model, size=28, crop_size=28)  # as in older files
    file = folder / "config.json"
    content = json.loads(file.read_text())
    content["vision_config"]["projection_dim"] = 512  # the default, as older versions wrote it
    file.write_text(json.dumps(content))
    return folder


def with_encoders(**encoders):
    names = {kind: str(folder) for kind, folder in encoders.items()}
    return backbones.load("nano", device="cpu", image_encoders=names)


def test_nano_brings_a_dino_that_sees_256_patches(nano):
    encoder = nano.image_encoder("dino")
    assert encoder.shape("feat") == (256, 96)
    assert encoder.shape("head") == (1, 96)
    assert encoder(torch.zeros(1, 3, 224, 224), "feat").shape == (1, 256, 96)
    assert nano.image_encoder("dino") is encoder


@pytest.mark.slow
def test_tokens_leave_the_class_token_out(dino):
    encoder = with_encoders(dino=dino).image_encoder("dino")
    pixels = torch.randn(2, 3, 28, 28)
    whole = encoder.model(pixels)
    assert torch.equal(encoder(pixels, "feat"), whole.last_hidden_state[:, 1:])
    assert torch.equal(encoder(pixels, "head")[:, 0], whole.pooler_output)
    assert encoder(pixels, "feat").shape[1:] == encoder.shape("feat")
    assert encoder(pixels, "head").shape[1:] == encoder.shape("head")


@pytest.mark.slow
def test_clip_is_the_vision_half_of_a_whole_clip(clip):
    encoder = with_encoders(clip=clip).image_encoder("clip")
    whole = CLIPModel.from_pretrained(clip)
    pixels = torch.randn(1, 3, 28, 28)
    with torch.no_grad():
        features = whole.get_image_features(pixels)
        seen = whole.vision_model(pixels).last_hidden_state[:, 1:]
    projected = getattr(features, "pooler_output", features)
    assert_near(encoder(pixels, "head")[:, 0], projected)
    assert_near(encoder(pixels, "feat"), seen)
    assert encoder.shape("feat") == (16, 12)
    assert encoder.shape("head") == (1, 6)


@pytest.mark.slow
def test_dense_maps_keep_rows_and_columns(dino):
    encoder = with_encoders(dino=dino).image_encoder("dino")
    pixels = torch.randn(1, 3, 42, 70)
    maps = encoder.dense(pixels)
    assert maps.shape == (1, 8, 3, 5)
    assert torch.equal(maps[0, :, 1, 2], encoder(pixels, "feat")[0, 7])


@pytest.mark.slow
def test_missing_weights_are_refused(dino):
    (dino / "model.safetensors").unlink()
    with pytest.raises(SD4MatchError, match="no safetensors weights"):
        with_encoders(dino=dino).image_encoder("dino")


def test_an_unknown_kind_names_the_known_ones(nano):
    with pytest.raises(SD4MatchError, match="kind of image encoder 'dinov2': did you mean 'dino'"):
        nano.image_encoder("dinov2")
    with pytest.raises(SD4MatchError, match="did you mean 'clip'"):
        backbones.load("nano", device="cpu", image_encoders={"clap": "x"})
