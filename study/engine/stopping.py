"""Stop requests: Ctrl-C and SIGTERM end a launch cleanly, wherever it is at that moment."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOST = 5
"""So many signals give up what is left of an orderly end."""


class Halt(KeyboardInterrupt):
    """Ends the computing of a launch, but not the launch; its text says why."""


@dataclass
class Stop:
    """Whether a signal asked this process to stop.

    Attributes:
        number: of the first signal; None while there was none.
        signals: how many there were.
        skippable: whether a further signal may end what happens now, such as a wait for storage.
            All else that belongs to an orderly end takes moments, and goes on.
    """

    number: int | None = None
    signals: int = 0
    skippable: bool = False

    @property
    def status(self) -> int:
        """The exit status that a shell reports for the signal."""
        return 128 + (self.number or signal.SIGINT)

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was a signal; Python drops one raised in a finalizer."""
        if self.number is not None:
            raise KeyboardInterrupt

    @contextmanager
    def skipping(self) -> Iterator[None]:
        """Let a further signal end the block."""
        self.skippable = True
        try:
            yield
        finally:
            self.skippable = False


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Raise KeyboardInterrupt in the block when Ctrl-C or SIGTERM comes.

    KeyboardInterrupt for both: Ray passes it on from its C++ code, and aborts for SystemExit. A
    signal that is ignored, as in the background of a shell script, stays so.
    """
    stop = Stop()

    def on_signal(number: int, frame: object) -> None:
        stop.signals += 1
        if stop.number is None:
            stop.number = number
            # Not through Python's buffers: the signal may come while they are being written.
            os.write(2, b"stopping: what is done is kept\n")
            raise KeyboardInterrupt
        if stop.skippable or stop.signals >= MOST:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # Python allows no handlers there
        yield stop
        return
    before = {n: h for n in SIGNALS if (h := signal.getsignal(n)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def keeping_handlers() -> Iterator[None]:
    """Keep the handler of SIGTERM over a block in which Ray starts, which sets its own.

    Ray's exits from wherever the process is, and its C++ code aborts then.
    """
    ours = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or ours is signal.SIG_DFL:
        yield
        return
    try:
        yield
    except SystemExit:  # Ray's handler took a signal
        signal.signal(signal.SIGTERM, ours)
        signal.raise_signal(signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, ours)
