"""Frozen image encoders, DINOv2 and CLIP, for prompts that read images and for fused features."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPVisionModelWithProjection, Dinov2Model, Dinov2WithRegistersModel

from sd4match.backbones.image_encoder_facts import ImageEncoderFacts, describe_image_encoder
from sd4match.backbones.image_encoder_files import fetch_image_encoder
from sd4match.backbones.position_embeddings import use_authors_formula
from sd4match.backbones.weights import load_model

_CLASSES = {
    "dinov2": Dinov2Model,
    "dinov2_with_registers": Dinov2WithRegistersModel,
    "clip_vision_model": CLIPVisionModelWithProjection,
}


@dataclass(frozen=True, eq=False)
class ImageEncoder(ImageEncoderFacts):
    """A vision transformer in evaluation mode, with its own image preprocessing.

    Attributes:
        model: the transformer.
        device, dtype: device and floating-point type.
    """

    model: Any
    device: torch.device
    dtype: torch.dtype

    @torch.no_grad()
    def __call__(self, pixels: Tensor, part: str) -> Tensor:
        """Encode preprocessed images.

        Args:
            pixels: (B, 3, H, W) normalized, sides multiples of the patch size.
            part: "feat" for patch tokens without the class token and registers, "head" for the
                pooled vector (CLIP's projected one).

        Returns:
            (B, T, F) or (B, 1, F) in the encoder's dtype.
        """
        output = self.model(pixel_values=pixels.to(self.device, self.dtype))
        if part == "feat":
            before = 1 + getattr(self.config, "num_register_tokens", 0)
            tokens: Tensor = output.last_hidden_state[:, before:]
            return tokens
        pooled: Tensor = output.image_embeds if self.kind == "clip" else output.pooler_output
        return pooled[:, None]

    @torch.no_grad()
    def dense(self, pixels: Tensor) -> Tensor:
        """Encode images as feature maps.

        Args:
            pixels: (B, 3, h * patch, w * patch).

        Returns:
            (B, F, h, w) in the encoder's dtype.
        """
        h, w = (side // self.patch_size for side in pixels.shape[-2:])
        maps: Tensor = self(pixels, "feat").mT.unflatten(-1, (h, w))
        return maps


def load_image_encoder(
    kind: str, name: str, *, device: torch.device, dtype: torch.dtype
) -> ImageEncoder:
    """Load an image encoder from the hub or a folder.

    Args:
        kind: "dino" or "clip".
        name: hub id, ``id@revision`` or folder.
        device, dtype: device and floating-point type.

    Returns:
        The encoder.

    Raises:
        SD4MatchError: not found, another kind of model, weights or processor that do not match.
    """
    facts = describe_image_encoder(kind, name)
    model = load_model(
        _CLASSES[facts.config.model_type],
        fetch_image_encoder(name),
        device=device,
        dtype=dtype,
        config=facts.config,
    )
    if kind == "dino":
        use_authors_formula(model)
    return ImageEncoder(**vars(facts), model=model, device=device, dtype=dtype)
