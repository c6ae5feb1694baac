"""UNets that need more than text are found by asking the model itself."""

from dataclasses import replace

import pytest
import torch
from diffusers import UNet2DConditionModel

from sd4match.backbones.architectures import architecture
from sd4match.backbones.conditioning import require_text_alone
from sd4match.errors import SD4MatchError
from sd4match.features.cost import flops

NANO = architecture("nano")
PROJECTION = {"projection_class_embeddings_input_dim": 64}


def changed(**settings):
    return replace(NANO, unet={**NANO.unet, **settings})


def ask(facts):
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(dict(facts.unet))
    require_text_alone(unet, facts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"num_class_embeds": 10}, "class_labels"),
        ({"class_embed_type": "projection", **PROJECTION}, "class_labels"),
        (
            {"addition_embed_type": "text_time", "addition_time_embed_dim": 8, **PROJECTION},
            "text_embeds",
        ),
        ({"encoder_hid_dim_type": "image_proj", "encoder_hid_dim": 16}, "image_embeds"),
        ({"encoder_hid_dim_type": "text_image_proj", "encoder_hid_dim": 16}, "image_embeds"),
    ],
)
def test_what_needs_more_than_text_is_refused_at_load_and_plan(settings, missing):
    """A plan counts operations of a backbone that is not known yet."""
    facts = changed(**settings)
    for asked in (lambda: ask(facts), lambda: flops(facts, 128)):
        with pytest.raises(SD4MatchError, match=f"{missing}.*without other conditions") as said:
            asked()
        assert "\n" not in str(said.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cross_attention_dim": [NANO.hidden_size] * 4},
        {"time_cond_proj_dim": 16},
        {"addition_embed_type": "text", "addition_embed_type_num_heads": 8},
    ],
)
def test_what_runs_on_text_alone_is_taken(settings):
    ask(changed(**settings))


def test_a_loaded_model_keeps_its_weights(nano):
    before = nano.unet.conv_in.weight
    require_text_alone(nano.unet, nano.architecture)
    assert nano.unet.conv_in.weight is before
    assert before.device.type == "cpu"
