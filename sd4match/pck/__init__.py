"""Percentage of correct keypoints (PCK), under the protocols that papers use. No torch.

>>> from sd4match.pck import score                    # score(pair, predicted, alpha=0.1)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
