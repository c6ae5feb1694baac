"""From two feature maps to matched points: correlation, and how a position is read from it.

>>> import torch
>>> from sd4match.matching import match
>>> maps = torch.eye(16).reshape(1, 16, 4, 4)
>>> match(maps, maps, torch.tensor([[[1.0, 2.0]]]), localizer="nearest")
tensor([[[1., 2.]]])
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
