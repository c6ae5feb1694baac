"""Frozen image encoders, DINOv2 and CLIP, for prompts that read images and for fused features."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionModelWithProjection, Dinov2Model

from sd4match.backbones.folders import read_config
from sd4match.backbones.image_encoder_files import fetch_image_encoder, image_encoder_fingerprint
from sd4match.backbones.weights import load_model
from sd4match.errors import SD4MatchError

CLASSES = {"dino": Dinov2Model, "clip": CLIPVisionModelWithProjection}
_MODEL_TYPES = {"dino": ("dinov2",), "clip": ("clip", "clip_vision_model")}


@dataclass(frozen=True, eq=False)
class ImageEncoder:
    """A vision transformer in evaluation mode, with its own image preprocessing.

    Attributes:
        kind: "dino" or "clip".
        name: hub id (with ``@revision`` if one was given) or folder.
        fingerprint: sha256 hex of configurations and weights.
        model: the transformer.
        processing: resize, crop and normalization of its ``preprocessor_config.json``.
        device, dtype: device and floating-point type.
    """

    kind: str
    name: str
    fingerprint: str
    model: Any
    processing: Mapping[str, Any]
    device: torch.device
    dtype: torch.dtype

    @property
    def patch_size(self) -> int:
        """Side of a patch, pixels."""
        return int(self.model.config.patch_size)

    @property
    def crop_size(self) -> int:
        """Side of the square that its processor crops, pixels."""
        return int(self.processing["crop_size"]["height"])

    def shape(self, part: str) -> tuple[int, int]:
        """Return (T, F) of the output of ``__call__`` for "feat" or "head"."""
        config = self.model.config
        if part == "feat":
            return (self.crop_size // self.patch_size) ** 2, int(config.hidden_size)
        pooled = config.projection_dim if self.kind == "clip" else config.hidden_size
        return 1, int(pooled)

    @torch.no_grad()
    def __call__(self, pixels: Tensor, part: str) -> Tensor:
        """Encode preprocessed images.

        Args:
            pixels: (B, 3, H, W) normalized, sides multiples of the patch size.
            part: "feat" for patch tokens without the class token, "head" for the pooled vector
                (CLIP's projected one).

        Returns:
            (B, T, F) or (B, 1, F) in the encoder's dtype.
        """
        output = self.model(pixel_values=pixels.to(self.device, self.dtype))
        if part == "feat":
            tokens: Tensor = output.last_hidden_state[:, 1:]
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
    folder = fetch_image_encoder(name)
    config = read_config(folder / "config.json")
    if config.get("model_type") not in _MODEL_TYPES[kind]:
        raise SD4MatchError(
            f"image encoder {name}: its config.json describes a {config.get('model_type')!r} "
            f"model: a {kind} encoder is {' or '.join(_MODEL_TYPES[kind])}"
        )
    encoder = ImageEncoder(
        kind=kind,
        name=name,
        fingerprint=image_encoder_fingerprint(folder),
        model=load_model(CLASSES[kind], folder, device=device, dtype=dtype),
        processing=_processing(folder),
        device=device,
        dtype=dtype,
    )
    if encoder.crop_size % encoder.patch_size:
        raise SD4MatchError(  # the model would crop silently
            f"image encoder {name}: crops of {encoder.crop_size} pixels are no multiple of its "
            f"patches of {encoder.patch_size}: correct its preprocessor_config.json"
        )
    return encoder


def _processing(folder: Path) -> dict[str, Any]:
    path = folder / "preprocessor_config.json"
    settings = read_config(path)
    for name, inner in (("size", "shortest_edge"), ("crop_size", "height")):
        if isinstance(settings.get(name), int):  # the form of older files
            settings[name] = {inner: settings[name]}
        if not isinstance(settings.get(name), dict) or inner not in settings[name]:
            raise SD4MatchError(f"{path}: no {name} with {inner}: fetch the file again")
    for name in ("image_mean", "image_std"):
        value = settings.get(name)
        if not (isinstance(value, list) and len(value) == 3):
            raise SD4MatchError(f"{path}: no {name} of three numbers: fetch the file again")
    if settings.setdefault("resample", 3) not in list(Image.Resampling):
        raise SD4MatchError(f"{path}: no resample {settings['resample']}: fetch the file again")
    return settings
