"""Detection of items that take much longer than earlier items of the same kind."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from study.engine.work import Work

LEAST = 120.0  # seconds; shorter items are never slow
FACTOR = 5.0
ENOUGH = 3  # items of a kind must have ended before another can be slow
RECENT = 100  # items of a kind that another is compared with


@dataclass
class _Run:
    work: Work
    started: float
    place: str
    reported: bool = False


class Pace:
    """Times items while they run."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._took: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=RECENT))

    def heard(self, work: Work, now: float, place: str) -> None:
        """Take note of a report of a worker, which sends the first one when it begins an item."""
        self._runs.setdefault(work.key, _Run(work, now, place))

    def end(self, work: Work, now: float, *, well: bool) -> str:
        """Take note that an item ended, well or not.

        Returns:
            How long it took and where; empty if it never began.
        """
        run = self._runs.pop(work.key, None)
        if run is None:
            return ""
        if well:
            self._took[work.kind].append(now - run.started)
        return f"{now - run.started:.1f} s on {run.place}"

    def slow(self, now: float) -> Iterator[tuple[Work, str]]:
        """Items that take much longer than others of their kind did, each only once."""
        for run in self._runs.values():
            took = self._took[run.work.kind]
            if run.reported or len(took) < ENOUGH or now - run.started < LEAST:
                continue
            usual = median(took)
            if now - run.started > FACTOR * usual:
                run.reported = True
                yield (
                    run.work,
                    f"runs for {now - run.started:.0f} s on {run.place}; others took {usual:.0f} s",
                )
