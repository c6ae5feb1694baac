"""One launch of a study at a time, on whatever machines the others are."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sd4match.errors import SD4MatchError
from study.lease import leased

NAME = ".launch"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a study's folder for the block; the lock of a process that died is nobody's.

    The operating system keeps the lock (on NFS its server does), so there is none to go stale. The
    file says who holds it, and is gone afterwards, as is a folder that nothing was put into. Behind
    a URL there are no such locks, and launches on other machines are kept out by a lease
    (`study.lease`).

    Args:
        folder: made when missing.

    Raises:
        SD4MatchError: another launch holds it; says which.
    """
    file = folder / NAME
    missing = [path for path in (folder, folder.parent) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(file)
    except OSError as error:
        raise SD4MatchError(f"{file} cannot be locked ({error.strerror})") from error
    try:
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        lock.flush()
        with leased(folder):
            yield
    finally:
        file.unlink(missing_ok=True)
        lock.close()
        for path in missing:
            with suppress(OSError):  # it is not empty
                path.rmdir()


def _locked(file: Path) -> TextIO:
    while True:
        lock = file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read() or "another process"
            lock.close()
            raise SD4MatchError(
                f"study {file.parent.name} is being launched by {owner}: wait for it, or stop it"
            ) from None
        # Whoever held it before may have removed the file while we waited for it.
        with suppress(FileNotFoundError):
            if file.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                lock.truncate(0)
                return lock
        lock.close()


def launching_here(folder: Path) -> bool:
    """Whether a launch on this machine holds a study's folder."""
    try:
        with (folder / NAME).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # nobody ever launched it here
        pass
    return False
