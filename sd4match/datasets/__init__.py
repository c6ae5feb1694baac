"""Image pairs with keypoints, read from the genuine on-disk layouts of the benchmarks. No torch.

>>> from sd4match import datasets
>>> pairs = datasets.load("spair", "data", "test", category="cat")     # doctest: +SKIP
>>> image = datasets.load_image(pairs[0], "source")                    # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
