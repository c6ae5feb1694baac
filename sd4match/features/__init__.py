"""From images to feature maps: VAE latents, seeded noise, the truncated UNet, and their cost.

>>> from sd4match.features import Latents, extract
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
