"""The lock of a store: many launches use it at a time, or one `study gc` removes files from it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sd4match.errors import SD4MatchError

NAME = ".use"
"""File of the lock, in the store."""


@contextmanager
def in_use(store: Path) -> Iterator[None]:
    """Keep files from being removed during the block.

    Args:
        store: its folder, made if missing.

    Raises:
        SD4MatchError: files are being removed from it now.
    """
    with _locked(store, fcntl.LOCK_SH, "`study gc` removes files from it now: wait for it"):
        yield


@contextmanager
def not_in_use(store: Path) -> Iterator[None]:
    """Keep launches from starting during the block.

    Args:
        store: its folder.

    Raises:
        SD4MatchError: a launch uses it now, on this machine or on one that shares the folder.
    """
    with _locked(store, fcntl.LOCK_EX, "a launch uses it: wait for it, or `study stop` it"):
        yield


@contextmanager
def _locked(store: Path, how: int, refusal: str) -> Iterator[None]:
    missing = [path for path in (store, store.parent) if not path.exists()]
    try:
        lock = _lock(store, how, refusal)
        try:
            yield
        finally:
            lock.close()
    finally:
        if missing:
            _leave_nothing(store, missing)


def _lock(store: Path, how: int, refusal: str) -> TextIO:
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = (store / NAME).open("a")
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SD4MatchError(f"{store}: {refusal}") from None
    except OSError as error:
        raise SD4MatchError(
            f"{store / NAME} cannot be locked ({error.strerror}): make room, or launch with "
            "results=… in a folder that you can write to"
        ) from None
    return lock


def _leave_nothing(store: Path, missing: list[Path]) -> None:
    """Remove the folders that were made for a lock only, so that a refused launch leaves none."""
    with suppress(OSError):
        if any(file.name != NAME for file in store.iterdir()):
            return
        (store / NAME).unlink()
        for path in missing:
            path.rmdir()
