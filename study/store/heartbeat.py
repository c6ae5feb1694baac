"""Heartbeat file: shows that a launch is running, and its progress.

The file is in the study's folder while a launch runs, and is removed when the launch ends; only a
killed driver leaves it. Reading it needs neither torch nor Ray.
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
"""Seconds without a beat after which a driver counts as dead; the clocks of hosts differ."""


@contextmanager
def beating(folder: Path, snapshot: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Keep the file up to date during the block, from a thread.

    Args:
        folder: the study's; nothing is written before it exists.
        snapshot: returns the progress, as JSON values.
    """
    file, over, mirror = folder / NAME, threading.Event(), Mirror(folder)
    me = {"pid": os.getpid(), "host": socket.gethostname()}

    def beat() -> None:
        warned = ""
        while not over.is_set():
            try:
                if (folder / "study.json").exists():
                    text = json.dumps({**me, "time": time.time(), **snapshot()})
                    with atomic_path(file) as temporary:
                        temporary.write_text(text)
                    mirror.put(file, text.encode())
                warned = ""
            except (OSError, SD4MatchError) as error:  # try again: there may be room later
                if warned != str(error):
                    warned = str(error)
                    log.warning("%s", warned)
            over.wait(BEAT)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with suppress(OSError, SD4MatchError):  # the folder cannot be written to any more
            mirror.remove(file)


def read(folder: Path) -> dict[str, Any] | None:
    """Read the last beat.

    Args:
        folder: the study's.

    Returns:
        The snapshot with ``pid``, ``host``, ``time`` and ``alive``; None if no launch runs.
    """
    try:
        state: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # a damaged file shows nothing
        return None
    return {**state, "alive": alive(state)}


def alive(state: dict[str, Any]) -> bool:
    """Whether the process that wrote a state still runs.

    Args:
        state: with ``pid``, ``host`` and ``time``.
    """
    if state["host"] == socket.gethostname():
        try:
            os.kill(state["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it runs, as another user
            pass
    return bool(time.time() - state["time"] < STALE)
