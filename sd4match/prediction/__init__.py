"""Pairs in, predicted keypoints out: features are computed once for what they depend on.

>>> from sd4match.prediction import predict
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
