"""The cache folder, and file hashes that are kept in it."""

import hashlib
import logging
import os
from pathlib import Path

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path

log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return ``$SD4MATCH_CACHE``, or ``~/.cache/sd4match`` if that is not set.

    Raises:
        SD4MatchError: it is not set, and this user has no home folder.
    """
    chosen = os.environ.get("SD4MATCH_CACHE")
    try:
        return Path(chosen or "~/.cache/sd4match").expanduser()
    except RuntimeError:
        raise SD4MatchError(
            "this user has no home folder: set SD4MATCH_CACHE to a folder that you can write to"
            + " (not below ~)" * bool(chosen)
        ) from None


def file_hash(path: Path) -> str:
    """Return the sha256 hex of a file's bytes, read once per version of the file.

    Weights are gigabytes and every process needs their hash, so it is kept on disk by (path, size,
    modification time in ns).

    Args:
        path: an existing file.

    Returns:
        64 hexadecimal digits.
    """
    status = path.stat()
    version = f"{path.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
    memo = cache_folder() / "hashes" / hashlib.sha256(version.encode()).hexdigest()
    if memo.is_file():
        return memo.read_text()
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        with atomic_path(memo) as temporary:
            temporary.write_text(digest)
    except (OSError, SD4MatchError) as error:
        log.info("%s: not written, so the next process hashes again (%s)", memo, error)
    return digest
