"""Atomic writes: a file is complete or does not exist."""

import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sd4match.errors import SD4MatchError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a full disk or quota."""
UNWRITABLE = (*FULL, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM)
"""Errors of writing that the user can resolve."""
ABANDONED = 3600.0
"""Seconds after its last change when a temporary file counts as abandoned."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it to ``path`` when the block succeeds.

    A reader sees the old file or the new one, never a part; a killed writer leaves ``path``
    unchanged. The parent folder is created if missing. A power cut may still leave a file without
    its content: waiting for the disk would take longer than the stages, so seals are checked
    instead.

    Args:
        path: the file to write.

    Yields:
        A new path in the same folder, with the same suffix, for the block to write.

    Raises:
        SD4MatchError: nothing can be written there.
    """
    target = Path(path)
    temporary = _fresh(target)
    try:
        try:
            yield temporary
        except OSError as error:
            if error.errno in UNWRITABLE:
                raise _unwritable(target, error) from error
            raise
        try:
            temporary.replace(target)
        except OSError as error:  # a folder of that name
            raise _unwritable(target, error) from error
    finally:
        # If the storage is gone this fails too, and the first error is what matters.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Refuse, before long work, a file that could not be written after it.

    Args:
        path: the file; its folder is created if missing.

    Raises:
        SD4MatchError: nothing can be written there.
    """
    target = Path(path)
    if target.is_dir():
        raise SD4MatchError(f"{target} is a folder: name a file in it")
    _fresh(target).unlink()


def remove_abandoned(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files in a folder, not below it, whose writers were killed.

    Args:
        folder: a folder in which `atomic_path` was used; it may be missing.
    """
    oldest = time.time() - ABANDONED
    for file in Path(folder).glob(".*"):
        if re.fullmatch(r"\..*-[0-9a-f]{16}(\.\w+)?", file.name):
            # Another process may remove it too, or it may belong to another user.
            with suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()


def _fresh(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not mkstemp: its files are private, and a shared store must stay readable for the group.
        # `os.open` applies the umask: reading it would set it, for all threads.
        fresh = target.with_name(f".{target.stem}-{secrets.token_hex(8)}{target.suffix}")
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _unwritable(target, error) from error
    return fresh


def _unwritable(target: Path, error: OSError) -> SD4MatchError:
    reason = error.strerror or type(error).__name__
    return SD4MatchError(f"{target} cannot be written ({reason}): name another place, or make room")
