"""Data sets: pairs of images with keypoints, read from the original layouts of the benchmarks.

``load`` opens a split, ``download`` fetches a benchmark, ``verify`` checks it, ``image_pair`` makes
a pair of a user's own images. ``BENCHMARKS`` is the registry. Does not load torch.

    >>> from sd4match import datasets
    >>> datasets.SPLITS["pf_willow"]
    ('test',)
    >>> pairs = datasets.load("spair", "data", "test", category="cat")     # doctest: +SKIP
    >>> image = datasets.load_image(pairs[0], "source")                    # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
