"""What happened to each work item, in a file of its own: ``logs/<key>.log`` of the study."""

import logging
import time
from pathlib import Path

from study.engine.work import Work

log = logging.getLogger(__name__)


class Journal:
    """Writes a line an event, and a failure's whole traceback.

    The driver writes it, from what workers report: a worker that was killed has told its last
    step, and nodes need not agree on a clock.

    Args:
        folder: the study's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "logs"

    def file(self, key: str) -> Path:
        """The file of a work item."""
        return self.folder / f"{key}.log"

    def write(self, event: str, work: Work, message: str) -> None:
        """Add an event; a log that cannot be written stops nothing."""
        clock = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.file(work.key).open("a", encoding="utf-8") as file:
                file.write(f"{clock} {event:7} {work.label}{': ' if message else ''}{message}\n")
        except OSError as error:
            log.warning("%s: %s", self.file(work.key), error)
