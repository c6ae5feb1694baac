"""A pipeline and an image encoder with the true classes, tiny and random."""

import json
import shutil

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, Dinov2Config, Dinov2Model

from sd4match import backbones
from sd4match.backbones.folders import NANO_FOLDER


@pytest.fixture(scope="session")
def nano():
    return backbones.load("nano", device="cpu")


@pytest.fixture(scope="session")
def tiny_original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines") / "tiny"
    torch.manual_seed(0)
    UNet2DConditionModel(
        sample_size=8,
        layers_per_block=2,
        block_out_channels=(8, 8, 16, 16),
        cross_attention_dim=32,
        attention_head_dim=(1, 1, 2, 2),
        use_linear_projection=True,
        norm_num_groups=4,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 8, 8),
        norm_num_groups=4,
        latent_channels=4,
    ).save_pretrained(folder / "vae")
    text = CLIPTextConfig(
        vocab_size=len(json.loads((NANO_FOLDER / "tokenizer" / "vocab.json").read_text())),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        hidden_act="gelu",
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )
    CLIPTextModel(text).save_pretrained(folder / "text_encoder")
    shutil.copytree(NANO_FOLDER / "tokenizer", folder / "tokenizer")
    DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    ).save_pretrained(folder / "scheduler")
    return folder


@pytest.fixture
def tiny(tiny_original, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(tiny_original, tmp_path / "tiny")


@pytest.fixture(scope="session")
def processing():
    """What an image encoder's ``preprocessor_config.json`` says of images. Do not change it."""
    return {
        "size": {"shortest_edge": 40},
        "crop_size": {"height": 28, "width": 28},
        "resample": 3,
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.3, 0.4],
    }


@pytest.fixture(scope="session")
def save_encoder(processing):
    """A function that saves an image encoder, with changes of `processing`: its folder."""

    def save(folder, model, **changes):
        model.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(processing | changes))
        return folder

    return save


@pytest.fixture
def dino(save_encoder, tmp_path):
    """A DINOv2 that a test may damage."""
    config = Dinov2Config(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=42, patch_size=14
    )
    return save_encoder(tmp_path / "dino", Dinov2Model(config))
