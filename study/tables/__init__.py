"""Tables and sentences for people: ablations, the overview, the best, comparisons, the status."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
