"""Frozen Stable-Diffusion-shaped pipelines by name: hub ids, folders and the embedded nano."""

from sd4match.backbones.architectures import LAYERS, Architecture, architecture
from sd4match.backbones.devices import choose_device, choose_dtype
from sd4match.backbones.identify import fetch, identify
from sd4match.backbones.image_encoders import (
    ImageEncoder,
    Reads,
    fetch_image_encoder,
    identify_image_encoder,
)
from sd4match.backbones.loading import Backbone, image_encoder_names, load

__all__ = [
    "LAYERS",
    "Architecture",
    "Backbone",
    "ImageEncoder",
    "Reads",
    "architecture",
    "choose_device",
    "choose_dtype",
    "fetch",
    "fetch_image_encoder",
    "identify",
    "identify_image_encoder",
    "image_encoder_names",
    "load",
]
