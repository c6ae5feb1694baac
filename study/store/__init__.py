"""What is kept: results under their content addresses, and the folders of studies.

Paths, locks, leases, URLs and checksums are used only here.

>>> from study.store import Store
>>> Store("results/store").predicted()  # doctest: +SKIP
{'a8787b89e426bf124cdc'}
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
