"""The cache folder, and file hashes that are kept in it."""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path

NO_HOME = "this user has no home folder: set SD4MATCH_CACHE to a folder that you can write to"

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return ``$SD4MATCH_CACHE``, or ``~/.cache/sd4match`` if that is not set.

    Raises:
        SD4MatchError: it is not set, and this user has no home folder.
    """
    folder = cache_folder_or_none()
    if folder is None:
        raise SD4MatchError(NO_HOME)
    return folder


def cache_folder_or_none() -> Path | None:
    """Return the cache folder, for those that can do without one.

    Returns:
        As `cache_folder`; None for a user who has no home folder and did not choose one.

    Raises:
        SD4MatchError: one below ``~`` is chosen, and this user has no home folder.
    """
    chosen = os.environ.get("SD4MATCH_CACHE")
    try:
        return Path(chosen or "~/.cache/sd4match").expanduser()
    except RuntimeError:
        if not chosen:
            return None
        raise SD4MatchError(f"{NO_HOME} (not below ~)") from None


def file_hash(path: Path) -> str:
    """Return the sha256 hex of a file's bytes, read once per version of the file.

    Args:
        path: an existing file.

    Returns:
        64 hexadecimal digits.
    """
    return remembered(path, _digest)


def remembered(path: Path, compute: Callable[[Path], str], *, what: str = "") -> str:
    """Return what is computed from a file, once per version of the file.

    Weights are gigabytes and every process needs their hashes, so they are kept on disk by (path,
    size, modification time in ns).

    Args:
        path: an existing file.
        compute: makes the text of the file.
        what: tells texts of one file apart; with a version of ``compute``.

    Returns:
        The text, from the cache if the file has not changed.
    """
    folder = cache_folder_or_none()
    if folder is None:
        return compute(path)
    status = path.stat()
    version = f"{path.resolve()}\n{status.st_size}\n{status.st_mtime_ns}" + (what and f"\n{what}")
    memo = folder / "hashes" / hashlib.sha256(version.encode()).hexdigest()
    if memo.is_file():
        return memo.read_text()
    text = compute(path)
    try:
        with atomic_path(memo) as temporary:
            temporary.write_text(text)
    except (OSError, SD4MatchError) as error:
        log.info("%s: not written, so the next process hashes again (%s)", memo, error)
    return text


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
