"""Frozen backbones by name: hub ids, local folders and the embedded nano.

``load`` returns the models of a Stable-Diffusion-shaped pipeline, ready for `sd4match.features`.
``architecture`` reads layers and sizes from the configuration alone, without torch.

    >>> from sd4match import backbones
    >>> backbones.architecture("nano").image_size
    128
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
