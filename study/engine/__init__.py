"""Running planned work on Ray: workers, queue, faults, schedule. Ray only here.

Is handed plans, never makes one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
