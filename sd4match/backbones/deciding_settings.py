"""The settings in models' configurations that decide features, with their default values.

A file that leaves a setting out and one that states its default describe the same model: libraries
write every setting when they save a model again, and add new ones. Settings of training, generation
and origin decide nothing. The defaults are those of the classes in diffusers and transformers.
Does not load torch.
"""

from collections.abc import Mapping
from typing import Any

_CLIP = {
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-05,
}
_DINO = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "mlp_ratio": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-06,
    "image_size": 224,
    "patch_size": 14,
    "num_channels": 3,
    "qkv_bias": True,
    "use_swiglu_ffn": False,
}

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "unet": {
        "in_channels": 4,
        "out_channels": 4,
        "center_input_sample": False,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
        "only_cross_attention": False,
        "block_out_channels": [320, 640, 1280, 1280],
        "layers_per_block": 2,
        "downsample_padding": 1,
        "mid_block_scale_factor": 1,
        "act_fn": "silu",
        "norm_num_groups": 32,
        "norm_eps": 1e-05,
        "cross_attention_dim": 1280,
        "transformer_layers_per_block": 1,
        "attention_head_dim": 8,
        "dual_cross_attention": False,
        "use_linear_projection": False,
        "upcast_attention": False,
        "resnet_time_scale_shift": "default",
        "resnet_skip_time_act": False,
        "resnet_out_scale_factor": 1,
        "time_embedding_type": "positional",
        "conv_in_kernel": 3,
        "conv_out_kernel": 3,
        "attention_type": "default",
        "class_embeddings_concat": False,
        "addition_embed_type_num_heads": 64,
    },
    "vae": {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ["DownEncoderBlock2D"],
        "up_block_types": ["UpDecoderBlock2D"],
        "block_out_channels": [64],
        "layers_per_block": 1,
        "act_fn": "silu",
        "latent_channels": 4,
        "norm_num_groups": 32,
        "scaling_factor": 0.18215,
        "force_upcast": True,
        "use_quant_conv": True,
        "use_post_quant_conv": True,
        "mid_block_add_attention": True,
    },
    "text_encoder": {**_CLIP, "vocab_size": 49408, "max_position_embeddings": 77},
    "scheduler": {
        "num_train_timesteps": 1000,
        "beta_start": 0.0001,
        "beta_end": 0.02,
        "beta_schedule": "linear",
        "trained_betas": None,
        "rescale_betas_zero_snr": False,
    },
    "clip_vision_model": {
        **_CLIP,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "projection_dim": 512,
        "num_channels": 3,
        "image_size": 224,
        "patch_size": 32,
    },
    "dinov2": {**_DINO, "use_mask_token": True},
    "dinov2_with_registers": {**_DINO, "patch_size": 16, "num_register_tokens": 4},
}
"""Kind of model -> setting -> the value where a configuration leaves it out."""

_CHANGE_NOTHING = {"unet": {"dropout", "sample_size"}, "vae": {"sample_size"}}
"""Settings of diffusers' models that a pass over an image does not read."""


def deciding_settings(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the settings that decide a model's features and are not at their defaults.

    Args:
        kind: one of `DEFAULTS`; whatever an unknown kind says is taken.
        config: the content of its configuration file.

    Returns:
        Setting -> value, with one spelling for equal numbers.
    """
    defaults = DEFAULTS.get(kind, {})
    # transformers writes dozens of settings of training and generation, diffusers only a model's
    # own: one that diffusers adds after this list was made is better taken than overlooked.
    every = kind in _CHANGE_NOTHING or not defaults
    settings = {
        name: _plain(value)
        for name, value in config.items()
        if name in defaults
        or (every and not name.startswith("_") and name not in _CHANGE_NOTHING.get(kind, ()))
    }
    return {n: value for n, value in settings.items() if value != _plain(defaults.get(n))}


def deciding_vision_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the settings that decide an image encoder's features.

    Args:
        config: the content of its ``config.json``: a DINOv2, a CLIP's vision half or a whole CLIP.

    Returns:
        Setting -> value, and its ``model_type``; equal for a CLIP and its vision half alone.
    """
    kind = config.get("model_type")
    if kind == "clip":
        half = {**(config.get("vision_config") or {}), **(config.get("vision_config_dict") or {})}
        # A whole CLIP projects to the width at the top of its file.
        half["projection_dim"] = config.get("projection_dim", 512)
        config, kind = half, "clip_vision_model"
    return {"model_type": kind, **deciding_settings(str(kind), config)}


def _plain(value: Any) -> Any:
    """One value for 4 and 4.0, and for a tuple and a list; True is not 1."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, bool) else value
