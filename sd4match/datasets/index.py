"""A data set's index: its columns, parsed once and kept in a cache folder."""

import hashlib
import logging
import os
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sd4match.datasets.benchmark import Benchmark
from sd4match.datasets.columns import Columns
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.files.cache import cache_folder

logger = logging.getLogger(__name__)

READER_VERSION = 1
"""Raise it when the readers or ``Columns`` change what they make of the same files."""

_DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)


def read_columns(benchmark: Benchmark, folder: Path, split: str) -> Columns:
    """Get a split's columns from the index, or parse the files and write the index.

    An index that is damaged, or older than the files it was made from, is made again.

    Args:
        benchmark: which benchmark.
        folder: its folder.
        split: one of its splits, whose list file is there.

    Returns:
        The columns.

    Raises:
        SD4MatchError: a file of the data set is missing or broken.
    """
    started = time.perf_counter()
    # Taken before parsing: files that change meanwhile make the index stale, not wrong.
    signature = _signature(benchmark, folder, split)
    name = f"{benchmark.name}-{split}.npz"
    for place in cache_files(folder, name):
        columns = _read(place, signature)
        if columns is not None:
            return columns
    logger.info("%s: reading all of split %s; the next time an index answers", folder, split)
    columns = Columns.of(benchmark.read(folder, folder / benchmark.lists[split]))
    write_cache(folder, name, partial(columns.save, signature=signature))
    logger.info(
        "%s: read %d pairs in %.1f s", folder, len(columns.ids), time.perf_counter() - started
    )
    return columns


def _read(place: Path, signature: str) -> Columns | None:
    """The index at a place, if there is one that is whole and has the signature."""
    try:
        return Columns.load(place, signature=signature)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        logger.warning("%s: the index is damaged and will be made again: %s", place, error)
        return None


def _signature(benchmark: Benchmark, folder: Path, split: str) -> str:
    """Hash names, sizes and times of a split's files: cheap, for none of them is opened."""
    list_file = folder / benchmark.lists[split]
    status = list_file.stat()
    lines = [f"{READER_VERSION} {benchmark.name} {split} {status.st_size} {status.st_mtime_ns}"]
    for pattern in benchmark.sources:
        sources = folder.glob(pattern.format(list=list_file.stem))
        for source in sorted(path for path in sources if path.is_dir()):
            lines.append(str(source.relative_to(folder)))
            lines += sorted(_state(entry) for entry in os.scandir(source))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _state(entry: os.DirEntry[str]) -> str:
    try:
        status = entry.stat()
    except OSError:  # a dangling link: the reader reports it if it needs it
        return entry.name
    return f"{entry.name} {status.st_size} {status.st_mtime_ns}"


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
