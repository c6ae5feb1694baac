"""The generated benchmark: drawings of parametric objects with exact annotations.

``draw`` makes one drawing; ``generate`` writes PF-Pascal, PF-Willow and SPair-71k as folders.

    >>> from sd4match.testbed import shapes
    >>> shapes.draw("car", "spair", shapes.named_rng(0, "example")).category
    'car'
    >>> shapes.generate("data/shapes")                    # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
