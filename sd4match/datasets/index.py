"""A data set's index: its columns, parsed once and kept in a cache folder."""

import hashlib
import logging
import os
import time
import zipfile
import zlib
from functools import partial
from pathlib import Path

from sd4match.datasets.benchmark import Benchmark
from sd4match.datasets.cache import cache_files, write_cache
from sd4match.datasets.columns import Columns

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
