"""What a run on a laptop needs: a generated benchmark and an embedded backbone.

With real data and a real backbone nothing in here is needed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
