"""What happened to each work item, in a file of its own: ``logs/<key>.log`` of the study.

Nodes that were lost and files that were damaged are in ``logs/study.log``.
"""

import logging
import time

from study.engine.work import Work
from study.folder import StudyFolder

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
