"""Progress of a long command: a bar on a terminal, otherwise one line per minute."""

import time
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TextColumn

LINE_EVERY = 60.0
"""Seconds between lines if there is no terminal."""


class Progress:
    """Shows rate and time left on standard error.

    Args:
        title: what is being done; the start of each line (a bar does not need it).
        unit: what is counted.
        start: how many units were done before.

    Example:
        >>> with Progress("predict", "pairs") as progress:
        ...     progress.at(3, 10, "loss 1.2")
    """

    def __init__(self, title: str, unit: str, *, start: int = 0) -> None:
        self._title = title
        self._unit = unit
        self._start = start
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Bar(
            BarColumn(20),
            TextColumn("{task.fields[state]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=None, completed=start, state="")

    def __enter__(self) -> Self:
        self._began = self._last_line = time.monotonic()
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._bar.stop()

    def at(self, done: int, total: int, note: str = "", *, line: bool = False) -> None:
        """Show the progress so far.

        Args:
            done, total: in units.
            note: stands before rate and time left.
            line: print a line that stays.
        """
        now = time.monotonic()
        rate = (done - self._start) / max(now - self._began, 1e-9)
        left = timedelta(seconds=round((total - done) / rate)) if rate else "?"
        parts = [
            f"{done}/{total}",
            note,
            f"{rate:.2f} {self._unit}/s",
            f"{left} left" if done < total else "",
        ]
        state = ", ".join(part for part in parts if part)
        self._bar.update(self._task, completed=done, total=total, state=state)
        if line or (self._bar.disable and now - self._last_line >= LINE_EVERY):
            self._last_line = now
            self._console.print(f"{self._title} {state}", markup=False)
