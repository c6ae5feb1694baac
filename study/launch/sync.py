"""Synchronization of a study's folder with its URL during a launch."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sd4match.errors import SD4MatchError
from study.engine.listener import Listener
from study.engine.work import Work
from study.plan.plan import Plan
from study.store.retry import patiently
from study.store.study_folder import StudyFolder

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds between two times that the folder is sent."""


class Sync(Listener):
    """Sends the folder now and then, and brings the timings of stages on other machines.

    Args:
        folder: of the study.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._due = 0.0

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """Send at once what is planned, for readers elsewhere."""
        self.send()

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """Send the logs and curves that have grown, if that is due."""
        if time.monotonic() >= self._due:
            self.send()

    def send(self) -> None:
        """Send the folder, bring timings; what cannot be sent now stops nothing."""
        try:
            self._folder.mirror.push(self._folder.path)
            self._folder.store.timings.pull()
        except (OSError, SD4MatchError) as error:
            log.warning("%s", error)
        self._due = time.monotonic() + EVERY


@contextmanager
def synced(
    folder: StudyFolder, skipping: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[Sync]:
    """Bring the folder here, exactly as it is there, and send it after the block.

    Args:
        folder: of the study; nothing is done where results are in a folder of this machine.
        skipping: around the last sending of a launch that was stopped, which may be skipped.

    Raises:
        SD4MatchError: the URL cannot be reached.
    """
    folder.mirror.pull(folder.path, exact=True)
    sync = Sync(folder)
    try:
        yield sync
    except BaseException:
        with skipping():
            sync.send()
        raise
    patiently(folder.mirror.push)(folder.path)
