"""Which axis matters: exact variance shares of a grid, and largest differences around a baseline."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
