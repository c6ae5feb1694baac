"""The worker of trials that only wait. It loads no torch, so 64 of them fit on a small machine."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study.engine.trainable import StageTrainable
from study.engine.work import Work


class Waiting(StageTrainable):
    """A worker whose items say in their labels how to wait.

    A number is so many seconds; a folder and a number: until so many workers wait there.
    """

    def open_workshop(self, config: dict[str, Any]) -> Any:
        return self

    def do(self, work: Work) -> Iterator[dict[str, Any]]:
        *folder, number = work.label.split()
        if folder:
            meeting = Path(*folder)
            (meeting / work.key).touch()
            while len(list(meeting.iterdir())) < int(number):
                time.sleep(0.1)
        else:
            time.sleep(float(number))
        yield {}
