"""The storage of a search's record: a journal file, locked and repaired, or a database.

Optuna's own lock of a journal is a link that a killed process leaves behind, and waiting for it may
never end. Here the operating system locks the journal itself (on NFS the server does), and releases
the lock when the process dies.
"""

import fcntl
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from sd4match.errors import SD4MatchError

log = logging.getLogger(__name__)

JOURNAL = "optuna.journal"
"""File of the record in a study's folder, unless ``search.storage`` names another place."""
SAID = 5.0
"""Seconds of waiting after which the log says what is waited for."""
PATIENCE = 60.0
"""Seconds of waiting for a lock; writers hold it for milliseconds."""
_START = b'{"op_code"'  # of every line that Optuna writes


def open_storage(storage: str) -> BaseStorage:
    """Open the storage of a record.

    Args:
        storage: a journal file, made when missing, or the URL of a database.
    """
    if (file := file_of(storage)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    if "://" in storage:
        # SQLite's is the only database that waits for locks in this process.
        waits = {"connect_args": {"timeout": PATIENCE}} if _is_sqlite(storage) else {}
        return RDBStorage(storage, engine_kwargs=waits)
    return JournalStorage(JournalFileBackend(storage, lock_obj=_Lock(storage)))


def resolved(storage: str, folder: Path) -> str:
    """The place of a record, whatever the working folder becomes.

    Args:
        storage: a file or the URL of a database; a file, or SQLite's, may be relative.
        folder: what it is relative to.
    """
    before, file, after = _parts(storage)
    return f"{before}{(folder / Path(file).expanduser()).resolve()}{after}" if file else storage


def portable(storage: str, folder: Path) -> str:
    """The place of a record, so that `resolved` finds it after the results have been moved.

    Args:
        storage: as `resolved` gives it.
        folder: the study's, in the folder of results.
    """
    before, file, after = _parts(storage)
    if file and Path(file).is_relative_to(folder.parent):
        return f"{before}{os.path.relpath(file, folder)}{after}"
    return storage


def file_of(storage: str) -> Path | None:
    """The file of a storage; None for a database on a server."""
    _, file, _ = _parts(storage)
    return Path(file) if file else None


def _is_sqlite(storage: str) -> bool:
    return storage.partition(":")[0].partition("+")[0] == "sqlite"


def _parts(storage: str) -> tuple[str, str, str]:
    """A storage as what stands before its file, the file, and what stands after it."""
    if "://" not in storage:
        return "", storage, ""
    scheme, _, rest = storage.partition(":///")
    file, mark, query = rest.partition("?")
    if not _is_sqlite(storage) or file.startswith((":memory:", "file:")):
        return storage, "", ""
    return f"{scheme}:///", file, f"{mark}{query}"


def repair(file: Path) -> None:
    """Drop what a full disk or a power cut left at the end of a journal: cut lines and NULs.

    What the lines said is not lost: a search proposes the same trials again, and the store has
    their results. If whole lines follow the damage, a copy of the journal is kept.

    Args:
        file: the journal; it may be missing.

    Raises:
        SD4MatchError: another process keeps it locked.
        ValueError: it is no journal of Optuna.
    """
    if not file.exists():
        return
    with locked(file), file.open("r+b") as journal:
        good = _good(journal)
        rest = journal.read()
        if not rest:
            return
        if good == 0 and not _START.startswith(rest[: len(_START)].rstrip(b"\0")):
            raise ValueError("it is no journal of Optuna")
        advice = ""
        if any(map(_is_whole, rest.splitlines(keepends=True))):
            copy = file.with_name(f"{file.name}.broken")
            shutil.copyfile(file, copy)
            advice = f" (a copy is {copy})"
        journal.truncate(good)
        os.fsync(journal.fileno())
    log.warning(
        "%s was damaged after byte %d: the rest is dropped%s, and read from the store again",
        *(file, good, advice),
    )


def _good(journal: BinaryIO) -> int:
    """The length of the undamaged beginning, where reading then continues."""
    good = 0
    while (line := journal.readline()) and _is_whole(line):
        good += len(line)
    journal.seek(good)
    return good


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and "op_code" in json.loads(line)
    except (ValueError, TypeError):
        return False


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Lock a journal during the block.

    Args:
        file: the journal, made when missing.

    Raises:
        SD4MatchError: another process kept it locked for `PATIENCE` seconds.
    """
    lock = _Lock(str(file))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Say what is waited for if the block takes longer than `SAID` seconds.

    Args:
        what: is waited for.
    """
    timer = threading.Timer(SAID, log.warning, ("%s: still waiting", what))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Lock(JournalFileOpenLock):
    """A lock that ends with its process, and is not waited for without end."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self._file = Path(file)

    def acquire(self) -> bool:
        journal = self._file.open("ab")
        end = time.monotonic() + PATIENCE
        try:
            with announced(f"{self._file} is locked by another process"):
                while True:
                    try:
                        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() > end:
                            raise SD4MatchError(
                                f"{self._file}: another process has kept it locked for "
                                f"{PATIENCE:g} s: end that process (`fuser {self._file}` shows it)"
                            ) from None
                        time.sleep(0.02)
        except BaseException:
            journal.close()
            raise
        self._journal = journal
        return True

    def release(self) -> None:
        self._journal.close()
