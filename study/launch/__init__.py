"""A launch from start to end: plan once, lock, run, show progress, write the answers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
