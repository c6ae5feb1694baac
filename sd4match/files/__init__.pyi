from .atomic import atomic_path as atomic_path
from .atomic import remove_abandoned as remove_abandoned
from .atomic import require_writable as require_writable
from .cache import cache_folder as cache_folder
from .cache import file_hash as file_hash

__all__ = [
    "atomic_path",
    "cache_folder",
    "file_hash",
    "remove_abandoned",
    "require_writable",
]
