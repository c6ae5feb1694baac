"""SD4Match: keypoint matching with features of a frozen Stable Diffusion UNet and learned prompts.

    >>> import sd4match
    >>> sd4match.backbones.architecture("nano").layers      # doctest: +SKIP

Its packages are loaded when they are first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
