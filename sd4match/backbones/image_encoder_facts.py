"""An image encoder's configuration: its kind, the shapes of its outputs, its preprocessing.

Weights are hashed, never loaded: whoever needs only a shape or a fingerprint asks here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import CLIPConfig, CLIPVisionConfig, Dinov2Config, Dinov2WithRegistersConfig

from sd4match.backbones.folders import read_config
from sd4match.backbones.image_encoder_files import fetch_image_encoder, image_encoder_fingerprint
from sd4match.backbones.image_processing import Processing, read_processing
from sd4match.backbones.weights import quiet
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
        processing: how its own processor prepares images.
    """

    kind: str
    name: str
    fingerprint: str
    config: Any
    processing: Processing

    @property
    def patch_size(self) -> int:
        """Side of a patch, pixels."""
        return int(self.config.patch_size)

    @property
    def crop_size(self) -> int:
        """Side of the square that its processor crops, pixels."""
        return self.processing.crop

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
        config=_config(kind, name, folder),
        processing=read_processing(folder),
        fingerprint=image_encoder_fingerprint(folder),
    )
    if facts.crop_size % facts.patch_size:
        raise SD4MatchError(  # the model would crop silently
            f"image encoder {name}: crops of {facts.crop_size} pixels are no multiple of its "
            f"patches of {facts.patch_size}: correct its preprocessor_config.json"
        )
    if kind == "clip" and facts.crop_size != facts.config.image_size:
        raise SD4MatchError(  # its positions are not interpolated
            f"image encoder {name}: its processor makes images of {facts.crop_size} pixels, but "
            f"its config.json says that the model takes {facts.config.image_size}: take both files "
            "from one model"
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
    with quiet():  # about the text half's tokens
        config = known[found].from_dict(content)
    if found == "clip":  # a whole CLIP projects to the width at the top of its file
        config.vision_config.projection_dim = config.projection_dim
        return config.vision_config
    return config
