"""What is kept: results under their content addresses, and the folders of studies.

Only here are paths, locks, leases, URLs and checksums.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
