"""The generated benchmark: drawings of parametric objects with exact annotations.

``draw`` makes one drawing; ``generate`` writes the trees of PF-Pascal, PF-Willow and SPair-71k.

    >>> from sd4match.testbed import shapes
    >>> shapes.generate("data/shapes")                    # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
