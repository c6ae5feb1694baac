"""An image encoder's configuration: its kind, the shapes of its outputs, its preprocessing.

Weights are hashed, never loaded: whoever needs only a shape or a fingerprint asks here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from transformers import CLIPConfig, CLIPVisionConfig, Dinov2Config, Dinov2WithRegistersConfig

from sd4match.backbones.folders import read_config
from sd4match.backbones.image_encoder_files import fetch_image_encoder, image_encoder_fingerprint
from sd4match.errors import SD4MatchError

_CONFIGS = {
    "dino": {"dinov2": Dinov2Config, "dinov2_with_registers": Dinov2WithRegistersConfig},
    "clip": {"clip": CLIPConfig, "clip_vision_model": CLIPVisionConfig},
}


@dataclass(frozen=True, eq=False)
class ImageEncoderFacts:
    """What is known of an image encoder without its weights in memory.

    Attributes:
        kind: "dino" or "clip".
        name: hub id (with ``@revision`` if one was given) or folder.
        fingerprint: sha256 hex of configurations and weights.
        config: configuration of the vision transformer.
        processing: resize, crop and normalization of its ``preprocessor_config.json``.
    """

    kind: str
    name: str
    fingerprint: str
    config: Any
    processing: Mapping[str, Any]

    @property
    def patch_size(self) -> int:
        """Side of a patch, pixels."""
        return int(self.config.patch_size)

    @property
    def crop_size(self) -> int:
        """Side of the square that its processor crops, pixels."""
        return int(self.processing["crop_size"]["height"])

    def shape(self, part: str) -> tuple[int, int]:
        """Return (T, F) of the output for "feat" or "head"."""
        if part == "feat":
            return (self.crop_size // self.patch_size) ** 2, int(self.config.hidden_size)
        pooled = self.config.projection_dim if self.kind == "clip" else self.config.hidden_size
        return 1, int(pooled)


def describe_image_encoder(kind: str, name: str) -> ImageEncoderFacts:
    """Read an image encoder's configuration; its files are downloaded if they are not here.

    Args:
        kind: "dino" or "clip".
        name: hub id, ``id@revision`` or folder.

    Returns:
        The facts.

    Raises:
        SD4MatchError: not found, another kind of model, or a processor that does not match.
    """
    folder = fetch_image_encoder(name)
    facts = ImageEncoderFacts(
        kind=kind,
        name=name,
        fingerprint=image_encoder_fingerprint(folder),
        config=_config(kind, name, folder),
        processing=_processing(folder),
    )
    if facts.crop_size % facts.patch_size:
        raise SD4MatchError(  # the model would crop silently
            f"image encoder {name}: crops of {facts.crop_size} pixels are no multiple of its "
            f"patches of {facts.patch_size}: correct its preprocessor_config.json"
        )
    return facts


def _config(kind: str, name: str, folder: Path) -> Any:
    content = read_config(folder / "config.json")
    known, found = _CONFIGS[kind], content.get("model_type")
    if found not in known:
        raise SD4MatchError(
            f"image encoder {name}: its config.json describes a {found!r} "
            f"model: a {kind} encoder is {' or '.join(known)}"
        )
    config = known[found].from_dict(content)
    return config.vision_config if found == "clip" else config


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
