"""Matching: from two feature maps to matched points.

``correlate`` compares points of the source with all of the target, ``localize`` reads positions
from correlations, ``match`` and ``match_many`` do both. Positions are (x, y) in cells of
corner-aligned maps; `keypoints` converts them to pixels.

    >>> import torch
    >>> from sd4match.matching import match
    >>> maps = torch.eye(16).reshape(1, 16, 4, 4)
    >>> match(maps, maps, torch.tensor([[[1.0, 2.0]]]), localizer="nearest")
    tensor([[[1., 2.]]])
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
