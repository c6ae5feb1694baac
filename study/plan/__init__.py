"""What must be computed: stages under content addresses, the index of results, and the cost.

Never opens a store.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
