"""Prediction: from pairs of images to predicted keypoints.

``predict`` answers any number of readouts for a set of pairs; features are computed once for what
the prompt depends on. ``match_pair`` also returns the correlation maps of one pair.

    >>> from sd4match.prediction import predict
    >>> positions = predict(backbone, prompt, pairs)                    # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
