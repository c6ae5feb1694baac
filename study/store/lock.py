"""One launch of a study at a time, on whatever machines the others are."""

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

NAME = ".launch"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a study's folder for the block; the lock of a process that died is nobody's.

    The operating system keeps the lock (on NFS its server does), so there is none to go stale. The
    file says who holds it, and is gone afterwards, as is a folder that nothing was put into. Behind
    a URL there are no such locks, and launches on other machines are kept out by a lease
    (`study.store.lock`).

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


log = logging.getLogger(__name__)

FOLDER = ".launches"
RENEWED = 10.0
"""Seconds between renewals."""


@contextmanager
def leased(folder: Path) -> Iterator[None]:
    """Keep launches on other machines out of a study for the block.

    Args:
        folder: the study's; nothing is done for one that is not behind a URL.

    Raises:
        SD4MatchError: another launch is there, or the place cannot be reached.
    """
    mirror, over = Mirror(folder), threading.Event()
    if mirror.url is None:
        yield
        return
    lease = folder / FOLDER / f"{secrets.token_hex(8)}.json"
    _say(mirror, lease)

    def renew() -> None:
        while not over.wait(RENEWED):
            with suppress(SD4MatchError, OSError):  # away: tried again
                if lease.name not in mirror.read(lease.parent):
                    log.error("another launch of study %s took over: this one stops", folder.name)
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                    return
                _say(mirror, lease)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    try:
        _require_alone(mirror, lease)
        thread.start()
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
        with suppress(SD4MatchError, OSError):  # it is nobody's in a minute
            mirror.remove(lease)


def _say(mirror: Mirror, lease: Path) -> None:
    me = {"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()}
    mirror.put(lease, json.dumps(me).encode())


def _require_alone(mirror: Mirror, lease: Path) -> None:
    for name, content in mirror.read(lease.parent).items():
        if name == lease.name:
            continue
        try:
            other: dict[str, Any] = json.loads(content)
            there = heartbeat.alive(other)
        except (ValueError, KeyError, TypeError):  # no launch wrote that
            there = False
        if there:
            raise SD4MatchError(
                f"study {mirror.folder.name} is being launched by process {other['pid']} on "
                f"{other['host']}: wait for it, or stop it"
            )
        mirror.remove(lease.parent / name)
