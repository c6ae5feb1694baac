"""Where what was learned of a data set is kept."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from sd4match.atomic import atomic_path
from sd4match.cache import cache_folder
from sd4match.errors import SD4MatchError

logger = logging.getLogger(__name__)


def cache_files(folder: Path, name: str) -> tuple[Path, Path]:
    """Where a cache file of a data set may be, by preference.

    Args:
        folder: the data set's folder.
        name: the file's name.

    Returns:
        In ``.sd4match`` beside the data set's own files; and, for data that must not be written, in
        ``cache_folder()``.
    """
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    elsewhere = cache_folder() / "datasets" / f"{folder.name}-{place}"
    return folder / ".sd4match" / name, elsewhere / name


def write_cache(folder: Path, name: str, write: Callable[[Path], object]) -> None:
    """Write a cache file to the first place that takes it. A warning, if none does.

    Args:
        folder: the data set's folder.
        name: the file's name.
        write: writes the path it is given.
    """
    for place in cache_files(folder, name):
        if not _may_write(place):
            continue
        try:
            with atomic_path(place) as path:
                write(path)
        except (OSError, SD4MatchError) as error:
            logger.info("%s: not written: %s", place, error)
        else:
            return
    logger.warning("nothing could be kept for %s: set SD4MATCH_CACHE to a folder", folder)


def _may_write(path: Path) -> bool:
    """Whether the nearest folder that exists has a write bit: root too leaves read-only data be."""
    nearest = next(parent for parent in path.parents if parent.exists())
    return bool(nearest.stat().st_mode & 0o222)
