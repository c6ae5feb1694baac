"""Frozen Stable-Diffusion-shaped pipelines by name: hub ids, folders and the embedded nano."""

from sd4match.backbones.architectures import LAYERS, Architecture, architecture
from sd4match.backbones.devices import choose_device, choose_dtype
from sd4match.backbones.identify import fetch, identify
from sd4match.backbones.loading import Backbone, load

__all__ = [
    "LAYERS",
    "Architecture",
    "Backbone",
    "architecture",
    "choose_device",
    "choose_dtype",
    "fetch",
    "identify",
    "load",
]
