"""From images to feature maps: VAE latents, seeded noise, the truncated UNet, and their cost."""

from sd4match.features.contents import Contents
from sd4match.features.extractor import extract
from sd4match.features.latents import Latents

__all__ = ["Contents", "Latents", "extract"]
