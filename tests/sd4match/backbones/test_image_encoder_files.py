"""Files and fingerprints of image encoders."""

import json

import pytest
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Dinov2Model,
)

from sd4match import backbones
from sd4match.errors import SD4MatchError


def with_encoders(**encoders):
    names = {kind: str(folder) for kind, folder in encoders.items()}
    return backbones.load("nano", device="cpu", image_encoders=names)


@pytest.mark.slow
def test_the_fingerprint_sees_weights_and_processing(dino, processing):
    def fingerprint():
        return with_encoders(dino=dino).image_encoder("dino").fingerprint

    before = fingerprint()
    assert before == backbones.identify_image_encoder(str(dino))
    (dino / "preprocessor_config.json").write_text(json.dumps(processing | {"resample": 2}))
    changed = fingerprint()
    Dinov2Model(Dinov2Model.from_pretrained(dino).config).save_pretrained(dino)
    assert len({before, changed, fingerprint()}) == 3


@pytest.mark.slow
def test_the_fingerprint_ignores_how_files_are_laid_out(dino, processing):
    before = backbones.identify_image_encoder(str(dino))
    model = Dinov2Model.from_pretrained(dino)
    (dino / "model.safetensors").unlink()
    model.save_pretrained(dino, max_shard_size="3KB")
    assert len(list(dino.glob("*.safetensors"))) > 1
    stated = {"do_rescale": True, "rescale_factor": 1 / 255, "image_processor_type": "Any"}
    (dino / "preprocessor_config.json").unlink()
    (dino / "processor_config.json").write_text(
        json.dumps({"image_processor": processing | stated})
    )
    config = json.loads((dino / "config.json").read_text()) | {"torch_dtype": "float16", "top_k": 9}
    (dino / "config.json").write_text(json.dumps(config))
    assert backbones.identify_image_encoder(str(dino)) == before
    assert with_encoders(dino=dino).image_encoder("dino").fingerprint == before


@pytest.mark.slow
def test_a_clip_and_its_vision_half_are_one_encoder(save_encoder, tmp_path):
    half = {
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    vision = {**half, "image_size": 28, "patch_size": 14}
    text = {**half, "vocab_size": 9, "bos_token_id": 0, "eos_token_id": 1}
    config = CLIPConfig(vision_config=vision, text_config=text, projection_dim=4)
    whole = save_encoder(tmp_path / "whole", CLIPModel(config))
    alone = CLIPVisionConfig(**vision, projection_dim=4)
    vision_half = CLIPVisionModelWithProjection.from_pretrained(whole, config=alone)
    half_alone = save_encoder(tmp_path / "half", vision_half)
    one, other = (
        with_encoders(clip=folder).image_encoder("clip") for folder in (whole, half_alone)
    )
    assert one.fingerprint == other.fingerprint
    assert one.shape("head") == other.shape("head") == (1, 4)


def test_weights_that_are_not_here_have_no_fingerprint(dino, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert backbones.identify_image_encoder("nobody/nothing") is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nano", "foo"])
def test_a_name_that_is_no_encoder_says_what_is(name):
    backbone = backbones.load("nano", device="cpu", image_encoders={"dino": name})
    with pytest.raises(SD4MatchError, match=r"image encoder '.*facebook/dinov2-base"):
        backbone.image_encoder("dino")
