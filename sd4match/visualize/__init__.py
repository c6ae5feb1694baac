"""Pictures for people and papers: matches, correlation maps, features, generated images.

Every function takes data and returns a Matplotlib figure without window or pyplot state; ``save``
writes it.

    >>> from sd4match import visualize
    >>> figure = visualize.matches(pair, found.positions)               # doctest: +SKIP
    >>> visualize.save(figure, Path("matches.png"))                     # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
