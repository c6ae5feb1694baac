"""Who is told what a launch does: a terminal, a heartbeat, a record."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from study.engine.work import Work
from study.plan.plan import Plan
from study.store.study_folder import StudyFolder


class Listener:
    """Hears of a launch, in its thread; does nothing with it."""

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """A plan begins; ``items`` are what of it is not in the store."""

    def started(self, workers: int) -> None:
        """Ray is there, and runs so many items at a time."""

    def event(self, event: str, work: Work, message: str) -> None:
        """Something happened to an item: ``start``, ``done``, ``failed``, ``stopped`` or else."""

    def begun(self, work: Work) -> None:
        """A worker has an item in its hands: ``start`` only says that it may begin."""

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """A part of an item is done: some steps or an epoch of a tuning, a split of a trial."""


class Listeners(Listener):
    """Tells several, one after the other."""

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
        """See `Listener`."""
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


log = logging.getLogger(__name__)


class Journal:
    """Writes a line an event, and a failure's whole traceback.

    The driver writes it, from what workers report: a worker that was killed has told its last
    step, and nodes need not agree on a clock.

    Args:
        folder: the study's.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder

    def write(self, event: str, work: Work, message: str) -> None:
        """Add an event; a log that cannot be written stops nothing."""
        clock = time.strftime("%Y-%m-%d %H:%M:%S")
        path = self.folder.log("study" if work.kind == "place" else work.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{clock} {event:7} {work.label}{': ' if message else ''}{message}\n")
        except OSError as error:
            log.warning("%s: %s", path, error)
