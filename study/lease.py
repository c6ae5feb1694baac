"""One launch of a study at a time where results are behind a URL, which knows no locks.

Each launch says that it is there, in an object of its own, and only then looks for others: of two
that begin at once at least one sees the other, on any storage that lists what was written (S3, GCS
and Azure do). An object is renewed while its launch runs; one that was silent for a minute, or
whose process on this machine is gone, is nobody's. So two launches never run together, unless one
could not renew for a minute or a clock is that wrong: the older one then stops when it sees that
its object was removed, and no measurement is harmed, since both would write the same bytes.
"""

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
from typing import Any

from sd4match.errors import SD4MatchError
from study.live import heartbeat
from study.mirror import Mirror

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
