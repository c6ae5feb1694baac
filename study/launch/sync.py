"""A study's folder where results are behind a URL: brought here for a launch, sent now and then."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sd4match.errors import SD4MatchError
from study.engine.listener import Listener
from study.engine.work import Work
from study.plan.plan import Plan
from study.store.retry import patiently
from study.store.study_folder import StudyFolder

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two times that it is sent."""


class Kept(Listener):
    """Sends the folder as it is, and brings how long stages took on other machines.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._due = 0.0

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """What is asked can be read elsewhere at once."""
        self.keep()

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """Logs and curves grow."""
        if time.monotonic() >= self._due:
            self.keep()

    def keep(self) -> None:
        """Send and bring; what cannot be sent now stops nothing."""
        try:
            self._folder.mirror.push(self._folder.path)
            self._folder.store.timings.pull()
        except (OSError, SD4MatchError) as error:
            log.warning("%s", error)
        self._due = time.monotonic() + EVERY


@contextmanager
def kept(folder: StudyFolder) -> Iterator[Kept]:
    """Bring the folder here, as it is there, and send what the block made of it.

    Raises:
        SD4MatchError: it cannot be reached.
    """
    folder.mirror.pull(folder.path, exact=True)
    listener = Kept(folder)
    try:
        yield listener
    except BaseException:
        listener.keep()
        raise
    patiently(folder.mirror.push)(folder.path)
