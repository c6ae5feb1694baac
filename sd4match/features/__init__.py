"""Features: from images to feature maps, and their cost.

``Latents`` encodes images and draws noise, ``extract`` runs the UNet up to the deepest layer,
``Contents`` encodes images by DINOv2 or CLIP. ``flops``, ``footprint`` and ``layer_shapes``
describe an architecture without weights.

    >>> from sd4match import backbones, features
    >>> features.layer_shapes(backbones.architecture("nano"), 128)[1]
    (112, 16, 16)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
