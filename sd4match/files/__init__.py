"""Files that are whole or absent: atomic writes, checksums, the cache folder.

>>> from sd4match.files import atomic_path
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
