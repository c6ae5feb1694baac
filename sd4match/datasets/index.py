"""The index of a data set: its columns, parsed once and kept in a cache file."""

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
from sd4match.datasets.pair_arrays import Columns
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.files.cache import cache_folder_or_none
from sd4match.files.companions import is_companion

log = logging.getLogger(__name__)

READER_VERSION = 2
"""Increase it when the readers or ``Columns`` give another result for the same files."""

_DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)


def read_columns(benchmark: Benchmark, folder: Path, split: str) -> Columns:
    """Get a split's columns from the index, or parse the files and write the index.

    An index that is damaged or older than its files is made again.

    Args:
        benchmark: the benchmark.
        folder: the data set's folder.
        split: one of its splits, whose list file exists.

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
    log.info("%s: reading all of split %s; the next time it comes from an index", folder, split)
    list_file = folder / benchmark.lists[split]
    columns = Columns.of(benchmark.read(folder, list_file))
    columns.require_lengths(benchmark.reference, list_file)
    write_cache(folder, name, partial(columns.save, signature=signature))
    log.info("%s: read %d pairs in %.1f s", folder, len(columns.ids), time.perf_counter() - started)
    return columns


def _read(place: Path, signature: str) -> Columns | None:
    """The index at a place; None if it is missing, damaged or has another signature."""
    try:
        return Columns.load(place, signature=signature)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        log.warning("%s: the index is damaged and will be made again: %s", place, error)
        return None


def _signature(benchmark: Benchmark, folder: Path, split: str) -> str:
    """Hash names, sizes and times of a split's files: cheap, because none is opened."""
    list_file = folder / benchmark.lists[split]
    status = list_file.stat()
    lines = [f"{READER_VERSION} {benchmark.name} {split} {status.st_size} {status.st_mtime_ns}"]
    for pattern in benchmark.sources:
        sources = folder.glob(pattern.format(list=list_file.stem))
        for source in sorted(path for path in sources if path.is_dir()):
            lines.append(str(source.relative_to(folder)))
            entries = (entry for entry in os.scandir(source) if not is_companion(entry.name))
            lines += sorted(map(_state, entries))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _state(entry: os.DirEntry[str]) -> str:
    try:
        status = entry.stat()
    except OSError:  # a dangling link: the reader reports it if it needs it
        return entry.name
    return f"{entry.name} {status.st_size} {status.st_mtime_ns}"


def cache_files(folder: Path, name: str) -> tuple[Path, ...]:
    """List the places of a cache file, the preferred one first.

    Args:
        folder: the data set's folder.
        name: the file's name.

    Returns:
        One in ``.sd4match`` beside the data set's own files, and one in the cache folder, if this
        user has one, for data that must not be written.
    """
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    beside = folder / ".sd4match" / name
    cache = cache_folder_or_none()
    return (beside, cache / "datasets" / f"{folder.name}-{place}" / name) if cache else (beside,)


def write_cache(folder: Path, name: str, write: Callable[[Path], object]) -> None:
    """Write a cache file to the first place that can be written; warn if none can.

    Args:
        folder: the data set's folder.
        name: the file's name.
        write: writes the file at a given path.
    """
    for place in cache_files(folder, name):
        if not _may_write(place):
            continue
        try:
            with atomic_path(place) as path:
                write(path)
        except (OSError, SD4MatchError) as error:
            log.info("%s: not written: %s", place, error)
        else:
            return
    log.warning("no cache could be written for %s: set SD4MATCH_CACHE to a folder", folder)


def _may_write(path: Path) -> bool:
    """Whether the nearest existing folder has a write bit: root, too, respects read-only data."""
    nearest = next(parent for parent in path.parents if parent.exists())
    return bool(nearest.stat().st_mode & 0o222)
