"""Frozen Stable-Diffusion-shaped pipelines by name: hub ids, folders and the embedded nano."""

from sd4match.backbones.architectures import LAYERS, Architecture, architecture
from sd4match.backbones.loading import Backbone, load

__all__ = ["LAYERS", "Architecture", "Backbone", "architecture", "load"]
