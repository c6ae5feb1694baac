"""The file by which a launch says that it is alive, and how far it is.

It stands in the study's folder while a launch runs and is gone when that has ended, however it
ended; only a driver that was killed leaves it. Reading needs neither torch nor Ray.
"""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from study.store.mirror import Mirror

log = logging.getLogger(__name__)

NAME = "running.json"
BEAT = 2.0
"""Seconds between beats."""
STALE = 60.0
"""Seconds without a beat after which a driver counts as dead; clocks of hosts differ."""


@contextmanager
def beating(folder: Path, snapshot: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Keep the file up to date for the block, from a thread; makes no folder.

    Args:
        folder: the study's; nothing is written before it is there.
        snapshot: what to tell, as JSON values.
    """
    file, over, mirror = folder / NAME, threading.Event(), Mirror(folder)
    me = {"pid": os.getpid(), "host": socket.gethostname()}

    def beat() -> None:
        said = ""
        while not over.is_set():
            try:
                if (folder / "study.json").exists():
                    text = json.dumps({**me, "time": time.time(), **snapshot()})
                    with atomic_path(file) as temporary:
                        temporary.write_text(text)
                    mirror.put(file, text.encode())
                said = ""
            except (OSError, SD4MatchError) as error:  # it goes on beating: there may be room again
                if said != str(error):
                    said = str(error)
                    log.warning("%s", said)
            over.wait(BEAT)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with suppress(OSError, SD4MatchError):  # a folder that cannot be written to any more
            mirror.remove(file)


def read(folder: Path) -> dict[str, Any] | None:
    """What the last beat said.

    Returns:
        The snapshot with ``pid``, ``host``, ``time`` and ``alive``; None where no launch runs.
    """
    try:
        state: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # what a broken disk left is no sign of life
        return None
    return {**state, "alive": alive(state)}


def alive(state: dict[str, Any]) -> bool:
    """Whether a process that said ``pid``, ``host`` and ``time`` of itself still runs."""
    if state["host"] == socket.gethostname():
        try:
            os.kill(state["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's, but there
            pass
    return bool(time.time() - state["time"] < STALE)
