"""Hashes of image files' bytes, which identify an image independently of its path."""

import hashlib
import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from sd4match.datasets.images import UNREADABLE, changes
from sd4match.datasets.index import cache_files, write_cache
from sd4match.errors import SD4MatchError

_CACHE_NAME = "contents2.json"  # another name than that of hashes without `_reading`


def content_hash(path: str | os.PathLike[str]) -> str:
    """Hash a file's bytes. The process keeps the hash until the file's size or time changes.

    Args:
        path: the file.

    Returns:
        The SHA-256 as 64 hexadecimal digits. Where reading the image changes its pixels
        (`sd4match.datasets.images.changes`), it is also a hash of how.

    Raises:
        SD4MatchError: the file is missing or cannot be read.
    """
    size, time = _state(path)
    return _hash(os.fspath(path), size, time)


def content_hashes(folder: Path, ids: Iterable[str]) -> dict[str, str]:
    """Hash many files of a data set, and keep the hashes in its cache folder.

    Args:
        folder: the data set's folder.
        ids: the files, relative to it.

    Returns:
        The hash of each id.

    Raises:
        SD4MatchError: a file is missing or cannot be read.
    """
    known: dict[str, object] = {}
    for place in reversed(cache_files(folder, _CACHE_NAME)):
        known |= _read(place)
    hashes: dict[str, str] = {}
    fresh: dict[str, object] = {}
    for id_ in ids:
        size, time = _state(folder / id_)
        match known.get(id_):
            case [int(old), int(then), str(digest)] if (old, then) == (size, time):
                hashes[id_] = digest
            case _:
                hashes[id_] = _hash(str(folder / id_), size, time)
                fresh[id_] = [size, time, hashes[id_]]
    if fresh:
        text = json.dumps(known | fresh)
        write_cache(folder, _CACHE_NAME, lambda path: path.write_text(text))
    return hashes


def _state(path: str | os.PathLike[str]) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise SD4MatchError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns


@cache
def _hash(path: str, size: int, time: int) -> str:
    try:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            reading = _reading(file)
    except OSError as error:
        raise SD4MatchError(f"{path}: cannot be read: {error.strerror}") from error
    return hashlib.sha256(f"{digest} {reading}".encode()).hexdigest() if reading else digest


def _reading(file: BinaryIO) -> str:
    """How an image's pixels are changed when it is read; nothing for what is no image."""
    file.seek(0)
    try:
        with Image.open(file) as image:
            return ", ".join(changes(image))
    except UNREADABLE:  # whoever loads it says so
        return ""


def _read(path: Path) -> dict[str, object]:
    """The entries of the cache file; none if it is missing or damaged."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
