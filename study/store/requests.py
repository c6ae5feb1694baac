"""A request to stop the launch of a study, from another terminal or another machine.

The request is a hidden file in the study's folder, or an object in its place behind a URL. The
launch looks for it, removes it, and sends itself SIGTERM.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sd4match.errors import SD4MatchError
from study.store import heartbeat
from study.store.lock import launching_here
from study.store.mirror import Mirror

FOLDER = ".stop"
"""Folder of requests, in the study's folder."""
LOOK = 1.0
"""Seconds between two looks at the folder."""
LOOK_FAR = 30.0
"""The same behind a URL, where each look is a request."""
PATIENCE = 90.0
"""Seconds that a launch has to end."""


@contextmanager
def obeying(folder: Path) -> Iterator[None]:
    """End the block by SIGTERM when `request_stop` asks for it; earlier requests are void.

    Args:
        folder: the study's.
    """
    over, mirror = threading.Event(), Mirror(folder)
    with suppress(OSError, SD4MatchError):
        _take(folder, mirror, far=True)

    def look() -> None:
        due = time.monotonic() + LOOK_FAR
        while not over.wait(LOOK):
            far = time.monotonic() > due
            due = time.monotonic() + LOOK_FAR if far else due
            with suppress(OSError, SD4MatchError):  # no connection: look again later
                if _take(folder, mirror, far=far):
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
                    return

    thread = threading.Thread(target=look, name="stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _take(folder: Path, mirror: Mirror, *, far: bool) -> bool:
    """Remove all requests, behind the URL too if that is asked; whether there was one."""
    requests = folder / FOLDER
    found = [file.name for file in requests.glob("*")]
    if far and mirror.url:
        found += mirror.read(requests)
    for name in found:
        mirror.remove(requests / name)
    with suppress(OSError):
        requests.rmdir()
    return bool(found)


def request_stop(folder: Path, *, patience: float = PATIENCE) -> str:
    """Ask the launch of a study to end, and wait until it has.

    Args:
        folder: the study's.
        patience: seconds.

    Returns:
        What happened, for people.

    Raises:
        SD4MatchError: no launch runs, it cannot be asked, or it does not end in time.
    """
    name, mirror = folder.name, Mirror(folder)
    beat = heartbeat.read(folder)
    here = launching_here(folder)
    if not here and not (beat and beat["alive"]):
        raise SD4MatchError(f"study {name}: no launch runs")
    who = f"process {beat['pid']} on {beat['host']}" if beat else "its process"
    request = folder / FOLDER / f"{socket.gethostname()}-{os.getpid()}"
    try:
        if mirror.url and not here:
            mirror.put(request, b"stop\n")
        else:
            request.parent.mkdir(exist_ok=True)
            request.touch()
    except OSError as error:
        raise SD4MatchError(
            f"{request} cannot be written ({error.strerror}): send {who} SIGTERM"
        ) from None
    end = time.monotonic() + patience
    while time.monotonic() < end:
        time.sleep(LOOK / 2)
        if not _runs(folder, mirror, here=here):
            return f"study {name}: {who} has stopped; `study launch {name}` continues it"
    raise SD4MatchError(
        f"study {name}: {who} was asked to stop, and has not yet after {patience:g} s: "
        "`study status` says what it does"
    )


def _runs(folder: Path, mirror: Mirror, *, here: bool) -> bool:
    if here:
        return launching_here(folder)
    if mirror.url:
        with suppress(SD4MatchError, OSError):
            mirror.pull(folder, lambda name: name == heartbeat.NAME, below=False, exact=True)
    beat = heartbeat.read(folder)
    return bool(beat and beat["alive"])
