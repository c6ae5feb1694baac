"""What is known of an image encoder without loading it."""

import json

import pytest
import torch
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from sd4match.backbones.image_encoder_facts import describe_image_encoder
from sd4match.backbones.image_encoders import load_image_encoder
from sd4match.errors import SD4MatchError

CPU = {"device": torch.device("cpu"), "dtype": torch.float32}


def write(folder, name="preprocessor_config.json", **settings):
    (folder / name).write_text(json.dumps(settings))


@pytest.fixture
def clip(save_encoder, tmp_path):
    config = CLIPVisionConfig(
        hidden_size=12,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=7,
        projection_dim=6,
    )
    return save_encoder(tmp_path / "clip", CLIPVisionModelWithProjection(config))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dino", "clip"])
def test_shapes_and_fingerprint_are_those_of_the_loaded_encoder(kind, request, monkeypatch):
    name = str(request.getfixturevalue(kind))
    encoder = load_image_encoder(kind, name, **CPU)
    monkeypatch.setattr("sd4match.backbones.image_encoders.load_model", None)
    facts = describe_image_encoder(kind, name)
    pixels = torch.zeros(1, 3, facts.crop_size, facts.crop_size)
    assert {part: facts.shape(part) for part in ("feat", "head")} == {
        part: tuple(encoder(pixels, part).shape[1:]) for part in ("feat", "head")
    }
    assert (facts.fingerprint, facts.name) == (encoder.fingerprint, name)


def test_another_kind_of_model_is_refused(dino):
    with pytest.raises(SD4MatchError, match=r"describes a 'dinov2' model: a clip encoder is clip"):
        describe_image_encoder("clip", str(dino))


def test_crops_that_patches_do_not_tile_are_refused(dino, processing):
    write(dino, **processing | {"crop_size": {"height": 30, "width": 30}})
    with pytest.raises(SD4MatchError, match="30 pixels are no multiple of its patches of 14"):
        describe_image_encoder("dino", str(dino))


def test_a_hub_repository_may_hold_the_processor_of_transformers_5_alone(
    clip, processing, monkeypatch, tmp_path
):
    (clip / "preprocessor_config.json").unlink()
    write(clip, "processor_config.json", image_processor=processing)

    def download(hub_id, *, revision, allow_patterns):
        (tmp_path / "hub").mkdir(exist_ok=True)
        for file in clip.iterdir():
            if any(map(file.match, allow_patterns)):
                (tmp_path / "hub" / file.name).write_bytes(file.read_bytes())
        return tmp_path / "hub"

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    facts = describe_image_encoder("clip", "someone/clip")
    assert facts.processing.crop == 28
    assert facts.fingerprint == describe_image_encoder("clip", str(clip)).fingerprint
    (clip / "processor_config.json").unlink()
    write(clip, **processing)
    assert facts.fingerprint == describe_image_encoder("clip", str(clip)).fingerprint


def test_a_clip_that_takes_other_images_than_its_processor_makes_is_refused(clip, processing):
    write(clip, **processing | {"crop_size": {"height": 35, "width": 35}})
    with pytest.raises(SD4MatchError, match=r"makes images of 35 pixels, but .* takes 28"):
        describe_image_encoder("clip", str(clip))


@pytest.mark.parametrize("top", [{"projection_dim": 6}, {}])
def test_a_whole_clip_projects_to_the_width_at_the_top_of_its_file(clip, top):
    """LAION's files name it there only; without it, it is transformers' default."""
    vision = json.loads((clip / "config.json").read_text()) | {"projection_dim": 99}
    whole = {"model_type": "clip", "vision_config": vision, "text_config": {}, **top}
    (clip / "config.json").write_text(json.dumps(whole))
    assert describe_image_encoder("clip", str(clip)).shape("head") == (
        1,
        top.get("projection_dim", 512),
    )
