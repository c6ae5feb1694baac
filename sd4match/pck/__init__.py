"""Percentage of correct keypoints (PCK), under the protocols of several papers.

``score`` scores one pair; ``correct`` scores many and ``aggregate`` averages. Does not load torch.

    >>> from sd4match import pck
    >>> pck.PROTOCOLS["dift"].coordinates
    'original'
    >>> pck.score(pair, predicted, alpha=0.1)             # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
