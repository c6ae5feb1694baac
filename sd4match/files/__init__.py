"""Files: atomic writes, the cache folder, checksums.

A file written through ``atomic_path`` is complete or does not exist.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from sd4match.files import atomic_path
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("complete")
    >>> target.read_text()
    'complete'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
