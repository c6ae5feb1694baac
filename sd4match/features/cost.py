"""Cost of a backbone (operations, memory, shapes), cached by the hash of its configuration.

Every plan needs these counts, and counting needs torch. Therefore they are counted once
(`features.cost_counting`) and kept in the cache folder. The package ships the counts of the
embedded backbone and of Stable Diffusion 1-5 and 2-1 at common image sides, in ``costs.json``.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self

from sd4match.backbones.architectures import LAYERS, Architecture
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.files.cache import cache_folder_or_none
from sd4match.matching.readout import Layer, Place

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).with_name("costs.json")
"""Hash of a configuration -> image side -> counts. A test counts them again."""

VERSION = 2
"""Increase it when the counting changes: counts of other versions are not read."""


@dataclass(frozen=True)
class Flops:
    """Floating-point operations of one forward pass of one image (2 per multiply-add).

    Attributes:
        vae_encode: image to posterior moments.
        text: one prompt through the text encoder.
        unet: one noisy latent through the UNet, up to the given layer.
    """

    vae_encode: int
    text: int
    unet: int


@dataclass(frozen=True)
class Footprint:
    """Memory in numbers (not bytes); activations are those of one image.

    Attributes:
        weights: weights of the full UNet, the VAE and the text encoder.
        unet_peak: the most that one module of the UNet reads and writes.
        unet_all: what all modules of the UNet write, about the need of a backward pass.
        vae_peak: as ``unet_peak``, for the VAE's encoder.
    """

    weights: int
    unet_peak: int
    unet_all: int
    vae_peak: int


@dataclass(frozen=True)
class LayerCounts:
    """Counts of the UNet up to one layer, for one image.

    Attributes:
        flops: floating-point operations.
        peak, written: ``unet_peak`` and ``unet_all`` of `Footprint`.
        shape: (C, h, w) of the layer's feature map.
    """

    flops: int
    peak: int
    written: int
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Counts:
    """All counts of a backbone at one image side.

    Attributes:
        layers: counts of the UNet up to the output of each of `LAYERS`.
        places: for each of `LAYERS`, counts of the UNet up to each place inside it.
        unet, vae_encode, text: floating-point operations; ``unet`` is the full UNet.
        weights, vae_peak: see `Footprint`.
    """

    layers: tuple[LayerCounts, ...]
    places: tuple[tuple[LayerCounts, ...], ...]
    unet: int
    vae_encode: int
    text: int
    weights: int
    vae_peak: int

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Self:
        """Make counts from JSON values.

        Args:
            values: as from `sd4match.features.cost_counting.count`.

        Returns:
            The counts.
        """

        def counts_of(several: Sequence[Mapping[str, Any]]) -> tuple[LayerCounts, ...]:
            return tuple(LayerCounts(**{**one, "shape": tuple(one["shape"])}) for one in several)

        layers, places = counts_of(values["layers"]), tuple(map(counts_of, values["places"]))
        return cls(**{**values, "layers": layers, "places": places})

    def at(self, layer: Layer) -> LayerCounts:
        """Return the counts of the UNet up to a layer.

        Args:
            layer: one that the architecture has.
        """
        if isinstance(layer, Place):
            return self.places[layer.block][layer.number - 1]
        return self.layers[layer]


def flops(architecture: Architecture, image_size: int, layer: Layer | None = None) -> Flops:
    """Count the operations of a forward pass (docs/explanation/method.md section 5).

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels.
        layer: the deepest layer that is read; None for the whole UNet.

    Returns:
        The counts; a backward pass costs about as much again for the UNet and the text encoder.

    Raises:
        SD4MatchError: an image size or layer that the architecture does not have.
    """
    architecture.check(image_size=image_size, layers=() if layer is None else (layer,))
    found = counts(architecture, image_size)
    unet = found.unet if layer is None else found.at(layer).flops
    return Flops(vae_encode=found.vae_encode, text=found.text, unet=unet)


def dino_flops(config: Mapping[str, Any], hw: tuple[int, int]) -> int:
    """Count the operations of a DINOv2 on one image, as a map for fused features.

    Args:
        config: its configuration (`sd4match.backbones.image_encoder_files.dino_config`).
        hw: (h, w), the patches of the image.

    Returns:
        Floating-point operations, 2 per multiply-add; those of its matrix products and patches.
    """
    width, patch = int(config["hidden_size"]), int(config["patch_size"])
    cells = hw[0] * hw[1]
    tokens = cells + 1 + int(config.get("num_register_tokens", 0))
    inner, products = int(width * config["mlp_ratio"]), 2
    if config.get("use_swiglu_ffn"):
        inner, products = (int(inner * 2 / 3) + 7) // 8 * 8, 3
    layer = tokens * width * (4 * width + products * inner) + 2 * tokens**2 * width
    return 2 * (int(config["num_hidden_layers"]) * layer + cells * 3 * patch**2 * width)


def footprint(architecture: Architecture, image_size: int, layer: Layer) -> Footprint:
    """Count the memory of a forward pass up to a layer.

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels.
        layer: the deepest layer that is read.

    Returns:
        The counts.

    Raises:
        SD4MatchError: an image size or layer that the architecture does not have.
    """
    architecture.check(image_size=image_size, layers=(layer,))
    found = counts(architecture, image_size)
    unet = found.at(layer)
    return Footprint(found.weights, unet.peak, unet.written, found.vae_peak)


def layer_shapes(architecture: Architecture, image_size: int) -> dict[int, tuple[int, int, int]]:
    """Return the shape of each layer's feature map (docs/explanation/method.md section 1).

    Args:
        architecture: configurations of a backbone.
        image_size: side of the square input, pixels.

    Returns:
        Layer -> (C, h, w).

    Raises:
        SD4MatchError: an image size that the architecture does not take.
    """
    architecture.check(image_size=image_size)
    found = counts(architecture, image_size)
    return {layer: found.layers[layer].shape for layer in LAYERS}


@lru_cache(maxsize=256)
def counts(architecture: Architecture, image_size: int) -> Counts:
    """Return the counts of a backbone at one image side: shipped, cached, or counted now.

    Args:
        architecture: configurations of a backbone.
        image_size: a side of the square input that the architecture takes, pixels.

    Returns:
        The counts.
    """
    name = configuration_hash(architecture)
    if shipped := _shipped().get(name, {}).get(str(image_size)):
        return Counts.of_json(shipped)
    folder = cache_folder_or_none()
    file = folder and folder / "costs" / f"{name}-{image_size}-v{VERSION}.json"
    if file:
        try:
            return Counts.of_json(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):  # not counted yet, or damaged
            pass
    from sd4match.features.cost_counting import count  # imports torch

    values = count(architecture, image_size)
    if file:
        try:
            with atomic_path(file) as temporary:
                temporary.write_text(json.dumps(values), encoding="utf-8")
        except (OSError, SD4MatchError) as error:
            log.info("%s: not written, so the next process counts again (%s)", file, error)
    return Counts.of_json(values)


def configuration_hash(architecture: Architecture) -> str:
    """Hash the configurations that decide the counts of a backbone.

    Args:
        architecture: configurations of a backbone.

    Returns:
        Sixteen hexadecimal digits.
    """
    parts = {
        "unet": dict(architecture.unet),
        "vae": dict(architecture.vae),
        "text_encoder": dict(architecture.text_encoder),
    }
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _shipped() -> Mapping[str, Mapping[str, Any]]:
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    found: Mapping[str, Mapping[str, Any]] = content["counts"]
    return found if content["version"] == VERSION else {}
