"""Locks: one launch of a study at a time, on this machine (a file lock) and on all (a lease)."""

import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from sd4match.errors import SD4MatchError
from study.store import heartbeat
from study.store.mirror import Mirror

log = logging.getLogger(__name__)

NAME = ".launch"
"""File of the lock, in the study's folder."""
FOLDER = ".launches"
"""Folder of leases, in the study's folder behind a URL."""
RENEWED = 10.0
"""Seconds between renewals of a lease."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock a study's folder during the block.

    The operating system keeps the lock (on NFS the server does) and releases it when the process
    dies, so it is never stale. The file names its owner, and is removed afterwards, as is a folder
    that is still empty. A URL has no such locks; a lease (`leased`) keeps out other machines.

    Args:
        folder: the study's, made if missing.

    Raises:
        SD4MatchError: another launch holds the lock; says which.
    """
    file = folder / NAME
    missing = [path for path in (folder, folder.parent) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(file)
    except OSError as error:
        raise SD4MatchError(
            f"{file} cannot be locked ({error.strerror}): make room, or launch with results=… in a "
            "folder that you can write to"
        ) from error
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
        # The owner before us may have removed the file while we opened it.
        with suppress(FileNotFoundError):
            if file.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                lock.truncate(0)
                return lock
        lock.close()


def launching_here(folder: Path) -> bool:
    """Whether a launch on this machine holds the lock of a study.

    Args:
        folder: the study's.
    """
    try:
        with (folder / NAME).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it was never launched on this machine
        pass
    return False


@contextmanager
def leased(folder: Path) -> Iterator[None]:
    """Keep launches on other machines out of a study during the block.

    Args:
        folder: the study's; does nothing unless results are behind a URL.

    Raises:
        SD4MatchError: another launch runs, or the URL cannot be reached.
    """
    mirror, over = Mirror(folder), threading.Event()
    if mirror.url is None:
        yield
        return
    lease = folder / FOLDER / f"{secrets.token_hex(8)}.json"
    _renew(mirror, lease)

    def renew() -> None:
        while not over.wait(RENEWED):
            with suppress(SD4MatchError, OSError):  # no connection: try again later
                if lease.name not in mirror.read(lease.parent):
                    log.error("another launch of study %s took over: this one stops", folder.name)
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                    return
                _renew(mirror, lease)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    try:
        _require_alone(mirror, lease)
        thread.start()
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
        with suppress(SD4MatchError, OSError):  # it expires in a minute
            mirror.remove(lease)


def _renew(mirror: Mirror, lease: Path) -> None:
    me = {"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()}
    mirror.put(lease, json.dumps(me).encode())


def _require_alone(mirror: Mirror, lease: Path) -> None:
    for name, content in mirror.read(lease.parent).items():
        if name == lease.name:
            continue
        try:
            other: dict[str, Any] = json.loads(content)
            alive = heartbeat.alive(other)
        except (ValueError, KeyError, TypeError):  # no launch wrote that
            alive = False
        if alive:
            raise SD4MatchError(
                f"study {mirror.folder.name} is being launched by process {other['pid']} on "
                f"{other['host']}: wait for it, or stop it"
            )
        mirror.remove(lease.parent / name)
