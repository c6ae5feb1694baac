from .atomic import atomic_path as atomic_path
from .atomic import remove_abandoned as remove_abandoned
from .atomic import require_writable as require_writable
from .cache import cache_folder as cache_folder
from .cache import file_hash as file_hash
from .seal import close as close
from .seal import intact as intact

__all__ = [
    "atomic_path",
    "cache_folder",
    "close",
    "file_hash",
    "intact",
    "remove_abandoned",
    "require_writable",
]
