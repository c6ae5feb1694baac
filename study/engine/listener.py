"""Listeners: send a launch's events to the terminal, heartbeat, record and logs."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sd4match.files.masking import masked
from study.engine.work import Work
from study.plan.plan import Plan
from study.store.study_folder import StudyFolder

log = logging.getLogger(__name__)


class Listener:
    """Base of the listeners: called in the thread of the launch, ignores everything."""

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """A plan begins; ``items`` are its pending work."""

    def started(self, workers: int) -> None:
        """Ray is running, with so many workers."""

    def event(self, event: str, work: Work, message: str) -> None:
        """Something happened to an item: see `study.engine.work_queue.WorkQueue`."""

    def begun(self, work: Work) -> None:
        """A worker begins an item; the event ``start`` only says that one may."""

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """A part of an item is done: some steps or an epoch of a tuning, a split of a trial."""


class Listeners(Listener):
    """Passes everything on to several listeners, in order."""

    def __init__(self, *listeners: Listener) -> None:
        self._all = listeners

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """See `Listener`."""
        for listener in self._all:
            listener.planned(plan, items)

    def started(self, workers: int) -> None:
        """See `Listener`."""
        for listener in self._all:
            listener.started(workers)

    def event(self, event: str, work: Work, message: str) -> None:
        """See `Listener`; no listener gets the passwords and tokens in a message."""
        message = masked(message)
        for listener in self._all:
            listener.event(event, work, message)

    def begun(self, work: Work) -> None:
        """See `Listener`."""
        for listener in self._all:
            listener.begun(work)

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """See `Listener`."""
        for listener in self._all:
            listener.report(work, result)


class Journal(Listener):
    """Writes one line per event to the log of its item, with the whole traceback of a failure.

    The driver writes it from the reports of workers: so the last step of a worker that was killed
    is in it, and the clocks of nodes need not agree.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder

    def event(self, event: str, work: Work, message: str) -> None:
        """Add a line; a log that cannot be written stops nothing."""
        clock = time.strftime("%Y-%m-%d %H:%M:%S")
        path = self._folder.log("study" if work.kind == "place" else work.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{clock} {event:7} {work.label}{': ' if message else ''}{message}\n")
        except OSError as error:
            log.warning("%s: %s", path, error)
