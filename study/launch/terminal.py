"""The screen of ``study launch``: a live view in a terminal, else one line per event."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from study.engine.faults import last_line
from study.engine.listener import Listener
from study.engine.work import Work
from study.launch.progress import Progress
from study.plan.plan import Plan
from study.tables import status

QUIET = {"start", "done"}
"""Events that the live view shows by itself."""


def screen() -> Console:
    """The console on which a launch shows its progress."""
    return Console(highlight=False, soft_wrap=True)


class Lines(Listener):
    """Prints one line per event.

    Args:
        console: where they are printed.
        live: whether a live view shows what starts and what is done, so that only other events
            need a line.
    """

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console = console
        self._live = live
        self._started = time.monotonic()
        self._todo: set[str] = set()
        self._done = 0

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """See `Listener`."""
        self._todo.update(item.key for item in items)

    def event(self, event: str, work: Work, message: str) -> None:
        """See `Listener`."""
        if work.kind == "preflight" and event in ("done", "failed"):
            return  # the first is nothing new, and the second ends the launch with its reason
        self._done += event == "done"
        done = f"done {self._done}/{len(self._todo)}"
        if (self._live and event in QUIET) or (event == "start" and work.kind != "preflight"):
            return
        word = {"start": "", "done": done, "failed": "FAILED"}.get(event, event)
        reason = f": {last_line(message)}" if message else ""
        clock = f"{time.monotonic() - self._started:6.0f} s"
        self._console.print(f"{clock}  {word:11} {work.label}{reason}".rstrip(), markup=False)


@contextlib.contextmanager
def shown(progress: Progress, console: Console) -> Iterator[None]:
    """Show a live view of the progress below the printed lines, during the block."""

    def now() -> Text:
        # One line each, whatever the width: a view that wraps would jump. Incidents and failures
        # are printed above it already.
        lines = status.live_lines({**progress.snapshot(), "incidents": [], "failures": []})
        return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")

    with Live(get_renderable=now, console=console, refresh_per_second=2, transient=True):
        yield


def animated(console: Console) -> bool:
    """Whether a console can show what changes in place."""
    return console.is_terminal and not console.is_dumb_terminal
