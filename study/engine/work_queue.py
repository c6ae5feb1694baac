"""The searcher that hands work items to Ray Tune as soon as what they need is done."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ray.tune.search import Searcher

from study.engine.faults import TRIES, Fault, last_line
from study.engine.pace import Pace
from study.engine.work import OnEvent, Work, preflight


class WorkQueue(Searcher):
    """Hands out pending work, the items of one plan after those of another.

    A fixed design is one plan. A search is a plan a generation: the next is asked for when all of
    the last is done, so that proposals do not depend on the order in which trials finish.

    Args:
        work: lists of pending items, one per plan (`study.engine.work.outstanding`); advanced in
            the driver when all items of the last list have ended.
        on_event: called with (event, item, message); events: ``start``, ``done``, ``failed``,
            ``stopped``, ``retry``, ``note`` (a warning of its worker) and ``slow``.
        stopped: key of each tuning that the scheduler stopped early to the reason; what needs one
            is dropped.
        allows: whether an item whose needs are met may begin now; all may by default.

    Attributes:
        done: labels of the items that were computed.
        failures: key of each failed item to the reason; items that needed it fail with it.
        errors: id of each trial that ended with an error to its fault and the reason; the scheduler
            adds them.
        full: why all work was ended: there is no room for results. Mostly None.
        left: how many items were given up because none of them was allowed to begin.
    """

    def __init__(
        self,
        work: Iterator[list[Work]],
        on_event: OnEvent,
        stopped: dict[str, str] | None = None,
        allows: Callable[[Work], bool] = lambda work: True,
    ) -> None:
        super().__init__()
        self.done: list[str] = []
        self.failures: dict[str, str] = {}
        self.stopped = {} if stopped is None else stopped
        self.errors: dict[str, tuple[Fault, str]] = {}
        self.full: str | None = None
        self.left = 0
        self._work = work
        self._on_event = on_event
        self._allows = allows
        self._pace = Pace()
        self._faults: Counter[tuple[str, Fault]] = Counter()
        self._waiting: list[Work] = []
        self._running: dict[str, Work] = {}
        self._unfinished: set[str] = set()
        self._tried = False
        self._exhausted = False

    def suggest(  # type: ignore[override]  # Ray forgot FINISHED in its annotation
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The next item that may start; None: ask again later; FINISHED: nothing is left."""
        if not self._running:
            self._refill()
        for work, message in self._pace.slow(time.monotonic()):
            self._on_event("slow", work, message)
        for work in self._waiting:
            if self._unfinished.isdisjoint(work.needs) and self._allows(work):
                self._waiting.remove(work)
                self._running[trial_id] = work
                self._on_event("start", work, "")
                return {"work": work}
        if self._waiting and not self._running:
            self.left, self._waiting, self._exhausted = len(self._waiting), [], True
        return Searcher.FINISHED if self._exhausted and not self._running else None

    @property
    def more(self) -> bool:
        """Whether an item waits that no worker has yet."""
        return bool(self._waiting)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass on a worker's report."""
        work = self._running[trial_id]
        place = f"{result['hostname']}, process {result['pid']}"
        self._pace.heard(work, time.monotonic(), place)
        if result.get("epoch"):  # it makes progress: earlier faults were not its own
            for key in [key for key in self._faults if key[0] == work.key]:
                del self._faults[key]
        self._tell(work, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Free what waited for this item, try it again, or fail what waited too."""
        work = self._running.pop(trial_id)
        result = result or {}
        ended = self._pace.end(work, time.monotonic(), well=not (error or "fault" in result))
        self._tell(work, result)
        kind, reason = result.get("fault"), str(result.get("failure"))
        if error:
            kind, reason = self.errors.pop(trial_id, ("worker", "its worker was killed"))
            if kind == "worker" and not ended:  # never begun: its worker died idle before that
                kind = "node"
        if kind is not None:
            self._try_again(work, kind, reason)
        elif work.key in self.stopped:
            self._unfinished.discard(work.key)
            self._drop_needing(work)
            self._on_event("stopped", work, self.stopped[work.key])
        else:
            self._unfinished.discard(work.key)
            if work.kind != "preflight":
                self.done.append(work.label)
            self._on_event("done", work, ended)

    def excuse_deaths(self) -> None:
        """Count the deaths of workers so far as deaths of a lost node.

        A node that is killed takes its workers along; Ray reports the node some health checks
        later than the workers.
        """
        for key, kind in list(self._faults):
            if kind == "worker":
                self._faults[key, "node"] += self._faults.pop((key, kind))

    def _tell(self, work: Work, result: Mapping[str, Any]) -> None:
        for note in result.get("notes", ()):
            self._on_event("note", work, note)

    def _try_again(self, work: Work, kind: Fault, reason: str) -> None:
        """Let an item wait for another try, or fail it."""
        self._faults[work.key, kind] += 1
        if kind == "full":
            self._end_without_room(reason)
        elif self._faults[work.key, kind] < TRIES[kind]:
            self._waiting.insert(0, work)
            self._on_event("retry", work, last_line(reason))
        else:
            tries = f" ({TRIES[kind]} times)" if TRIES[kind] > 1 and "\n" not in reason else ""
            self._fail(work, reason + tries)

    def _end_without_room(self, reason: str) -> None:
        """Start nothing more; what runs is about to be stopped, as it could not be kept."""
        if self.full is None:
            self.full = reason
            self._waiting, self._exhausted = [], True
            for work in self._running.values():
                if self._pace.end(work, time.monotonic(), well=False):  # it has begun
                    self._on_event("stopped", work, "there is no room for its result")

    def _fail(self, work: Work, reason: str) -> None:
        self._unfinished.discard(work.key)
        self.failures[work.key] = reason
        self._on_event("failed", work, reason)
        # After a failed preflight there are no later plans: the study must be corrected first.
        self._exhausted |= work.kind == "preflight"
        self._fail_needing(work)

    def _fail_needing(self, failed: Work) -> None:
        reason = last_line(self.failures[failed.key])
        for other in [waiting for waiting in self._waiting if failed.key in waiting.needs]:
            if other in self._waiting:
                self._waiting.remove(other)
                self._fail(other, f"{failed.label} failed: {reason}")

    def _drop_needing(self, stopped: Work) -> None:
        """Drop items that need a stopped prompt; they do not count as failed."""
        self._waiting = [waiting for waiting in self._waiting if stopped.key not in waiting.needs]

    def _refill(self) -> None:
        """Take the next items, when the last plan has none left."""
        while not self._waiting and not self._exhausted:
            items = next(self._work, None)
            self._exhausted = items is None
            if items:
                self._take(items)

    def _take(self, items: Sequence[Work]) -> None:
        """Let the items of a plan wait for their start."""
        ended = self.failures.keys() | self.stopped.keys()
        self._waiting = [work for work in items if work.key not in ended]
        self._unfinished = {work.key for work in self._waiting}
        # What failed in an earlier plan is not tried again, and what needs it cannot be computed.
        for work in items:
            if work.key in self.failures:
                self._fail_needing(work)
            elif work.key in self.stopped:
                self._drop_needing(work)
        if self._waiting and not self._tried:
            self._try_first()

    def _try_first(self) -> None:
        """Let all waiting items wait for a preflight.

        Only in the first plan that has work: it finds what is wrong with a study before hours are
        spent on it. What goes wrong in a later plan of a search is that proposal's failure.
        """
        self._tried = True
        first = preflight(self._waiting)
        waiting = (replace(w, needs=(first.key, *w.needs)) for w in self._waiting)
        self._waiting = [first, *waiting]
        self._unfinished.add(first.key)

    # Ray saves searchers to resume a run; ours resumes from the store and has nothing to save.
    def __getstate__(self) -> dict[str, Any]:
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing to save."""

    def restore_from_dir(self, checkpoint_dir: str) -> None:
        """Nothing to restore."""
