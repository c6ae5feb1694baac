from .atomic import (
    atomic_path as atomic_path,
    remove_abandoned as remove_abandoned,
    require_writable as require_writable,
)
from .cache import cache_folder as cache_folder, file_hash as file_hash
