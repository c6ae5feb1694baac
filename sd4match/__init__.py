"""SD4Match: keypoint matching with features of a frozen Stable Diffusion UNet and learned prompts.

Packages and modules are imported on first use, so ``import sd4match`` loads neither torch nor
Matplotlib.

    >>> import sd4match
    >>> sd4match.backbones.architecture("nano").image_size
    128
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
