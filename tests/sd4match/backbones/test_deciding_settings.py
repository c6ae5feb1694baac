"""The list of settings agrees with the installed classes."""

import inspect

import pytest
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import (
    CLIPConfig,
    CLIPTextConfig,
    CLIPVisionConfig,
    Dinov2Config,
    Dinov2WithRegistersConfig,
    PreTrainedConfig,
)

from sd4match.backbones.deciding_settings import (
    DEFAULTS,
    deciding_settings,
    deciding_vision_settings,
)

DIFFUSERS = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "scheduler": DDPMScheduler}
TRANSFORMERS = {
    "text_encoder": CLIPTextConfig,
    "clip_vision_model": CLIPVisionConfig,
    "dinov2": Dinov2Config,
    "dinov2_with_registers": Dinov2WithRegistersConfig,
}
# Of training, of the output's form, and of heads that are not used.
NOT_READ = {
    "attention_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob", "drop_path_rate",
    "initializer_factor", "initializer_range", "layerscale_value", "apply_layernorm",
    "reshape_hidden_states", "bos_token_id", "eos_token_id", "pad_token_id", "projection_dim",
    "stage_names", "out_features", "out_indices", "_out_features", "_out_indices",
    "output_attentions", "model_type",
}  # fmt: skip


def defaults_of(kind):
    if kind in DIFFUSERS:
        parameters = inspect.signature(DIFFUSERS[kind].__init__).parameters
        return {name: each.default for name, each in parameters.items() if name != "self"}
    return TRANSFORMERS[kind]().to_dict()


@pytest.mark.parametrize("kind", DEFAULTS)
def test_settings_at_their_defaults_decide_nothing(kind):
    found = defaults_of(kind)
    assert DEFAULTS[kind].keys() <= found.keys()
    assert deciding_settings(kind, found) == {}


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_every_setting_of_transformers_is_listed_or_not_read(kind):
    shared = PreTrainedConfig().to_dict().keys()
    assert defaults_of(kind).keys() - shared - NOT_READ <= DEFAULTS[kind].keys()


@pytest.mark.parametrize(
    ("one", "other"), [({"mlp_ratio": 3}, {"mlp_ratio": 3.0}), ({"qkv_bias": False}, {})]
)
def test_numbers_have_one_spelling(one, other):
    equal = deciding_settings("dinov2", one) == deciding_settings("dinov2", other)
    assert equal == ("mlp_ratio" in other)


def test_true_is_not_one():
    assert deciding_settings("unet", {"only_cross_attention": 1})


def test_a_clip_and_its_vision_half_are_one():
    whole = CLIPConfig(
        vision_config={"hidden_act": "gelu", "num_hidden_layers": 3}, projection_dim=96
    )
    half = CLIPVisionConfig(hidden_act="gelu", num_hidden_layers=3, projection_dim=96)
    found = deciding_vision_settings(whole.to_dict())
    assert found == deciding_vision_settings(half.to_dict())
    assert found == {
        "model_type": "clip_vision_model",
        "hidden_act": "gelu",
        "num_hidden_layers": 3,
        "projection_dim": 96,
    }
