"""The searcher that feeds Ray Tune: work items as soon as what they need is done."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ray.tune.search import Searcher

from study.engine.faults import TRIES, Fault, last_line
from study.engine.pace import Pace
from study.engine.work import Work, pending, preflight
from study.search.record import Endings
from study.store.integrity import sweep
from study.store.retry import patiently
from study.store.store import Store

if TYPE_CHECKING:
    from study.plan.plan import Plan


class WorkQueue(Searcher):
    """Hands out the pending work of plans, one plan after the other.

    A fixed design is one plan. A search is a plan a generation: the next is asked for when all of
    the last is done, so that proposals do not depend on the order in which trials finish.

    Args:
        plans: iterator of plans; it is advanced in the driver when the last plan is done.
        store: where results go.
        on_event: called with (event, work, message); events: ``start``, ``done``, ``failed``,
            ``stopped``, ``retry``, ``note`` (what its worker warned of), ``slow`` and ``damaged``
            (a file of the store).
        endings: errors that the scheduler saw, and tunings that it stopped early; what needs these
            is dropped.
        on_plan: called with each plan and its pending work.

    Attributes:
        failures: key of each failed item to the reason; items that needed it fail with it.
        full: why all work was ended: there is no room for results. Mostly None.
    """

    def __init__(
        self,
        plans: "Iterator[Plan]",
        store: Store,
        on_event: Callable[[str, Work, str], None],
        endings: Endings,
        on_plan: Callable[["Plan", list[Work]], None] = lambda plan, items: None,
    ) -> None:
        super().__init__()
        self.failures: dict[str, str] = {}
        self.full: str | None = None
        self.endings = endings
        self._plans = plans
        self._store = store
        self._on_event = on_event
        self._on_plan = on_plan
        self._pace = Pace()
        self._faults: Counter[tuple[str, Fault]] = Counter()
        self._waiting: list[Work] = []
        self._running: dict[str, Work] = {}
        self._unfinished: set[str] = set()
        self._preflown = False
        self._exhausted = False

    def start(self) -> Work | None:
        """Find the first work, a preflight; None when the store holds everything."""
        self._refill()
        return self._waiting[0] if self._waiting else None

    def suggest(  # type: ignore[override]  # Ray forgot FINISHED in its annotation
        self, trial_id: str
    ) -> dict[str, Any] | str | None:
        """The next item that may start; None to ask again later; FINISHED at the end."""
        if not self._running:
            self._refill()
        for work, message in self._pace.slow(time.monotonic()):
            self._on_event("slow", work, message)
        for work in self._waiting:
            if self._unfinished.isdisjoint(work.needs):
                self._waiting.remove(work)
                self._running[trial_id] = work
                self._on_event("start", work, "")
                return {"work": work}
        return Searcher.FINISHED if self._exhausted and not self._running else None

    @property
    def more(self) -> bool:
        """Whether there is something that no worker was asked to do yet."""
        return bool(self._waiting)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass on what a worker says."""
        work = self._running[trial_id]
        place = f"{result['hostname']}, process {result['pid']}"
        self._pace.heard(work, time.monotonic(), place)
        if result.get("epoch"):  # it gets on: earlier faults were no fault of its own
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
            kind, reason = self.endings.errors.pop(trial_id, ("worker", "its worker was killed"))
            if kind == "worker" and not ended:  # nor begun: it died idle, before the item came
                kind = "node"
        if kind is not None:
            self._try_again(work, kind, reason)
        elif work.key in self.endings.stopped:
            self._unfinished.discard(work.key)
            self._drop_needing(work)
            self._on_event("stopped", work, self.endings.stopped[work.key])
        else:
            self._unfinished.discard(work.key)
            self._on_event("done", work, ended)

    def excuse_deaths(self) -> None:
        """Count workers' deaths so far as a lost node's: theirs is told long before its own.

        A node that is killed takes its workers along; Ray misses it some health checks later.
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
        # After a failed preflight there are no later plans: the study is mended first.
        self._exhausted |= work.kind == "preflight"
        self._fail_needing(work)

    def _fail_needing(self, failed: Work) -> None:
        reason = last_line(self.failures[failed.key])
        for other in [waiting for waiting in self._waiting if failed.key in waiting.needs]:
            if other in self._waiting:
                self._waiting.remove(other)
                self._fail(other, f"{failed.label} failed: {reason}")

    def _drop_needing(self, stopped: Work) -> None:
        """Forget what needs a prompt that is not going to be: no failure, but no work either."""
        self._waiting = [waiting for waiting in self._waiting if stopped.key not in waiting.needs]

    def _refill(self) -> None:
        """Take the next plan that has work left, when the last one has none."""
        while not self._waiting and not self._exhausted:
            plan = next(self._plans, None)
            self._exhausted = plan is None
            if plan is not None:
                patiently(self._store.pull_plan)(plan)
                for file in sweep(plan, self._store):
                    place = Work("place", file.name, str(file), ())
                    self._on_event("damaged", place, "removed, and computed again")
                items = pending(plan, self._store)
                self._on_plan(plan, items)
                ended = self.failures.keys() | self.endings.stopped.keys()
                self._waiting = [work for work in items if work.key not in ended]
                self._unfinished = {work.key for work in self._waiting}
                # What failed in an earlier plan is not tried again, and what needs it cannot be.
                for work in items:
                    if work.key in self.failures:
                        self._fail_needing(work)
                    elif work.key in self.endings.stopped:
                        self._drop_needing(work)
                if self._waiting and not self._preflown:
                    self._try_first()

    def _try_first(self) -> None:
        """Let all that waits wait for a preflight.

        Only in the first plan that has work: it finds what is wrong with a study before hours are
        spent on it. What a later proposal of a search meets is that proposal's failure.
        """
        self._preflown = True
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
