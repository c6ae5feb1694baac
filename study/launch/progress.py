"""The progress of a launch, for the terminal and for ``study status``."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from study.engine.faults import last_line
from study.engine.listener import Listener
from study.engine.work import Work
from study.launch.best_so_far import BestSoFar
from study.launch.time_left import TimeLeft
from study.plan.cost import epochs
from study.plan.estimates import Operations
from study.plan.plan import Plan
from study.plan.stages import Predict, Tune
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.space import Space
from study.store.store import Store
from study.tables.status import COMPUTING

KINDS = ("latents", "tune", "predict")
WRITING = "writing tables and figures"
"""The phase after the computing."""
WRITTEN = "tables and figures are written"
"""The last phase."""
READING = 0.05
"""Seconds of a snapshot that may go into reading scores for the best configuration so far."""
LAST = 5
"""Failures and incidents that a snapshot shows; all are counted."""


@dataclass
class _Running:
    work: Work
    since: float = field(default_factory=time.monotonic)
    parts: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        if isinstance(stage := self.work.stages[0], Tune):
            return float(self.seen.get("step", 0) / stage.settings["steps"])
        return self.parts / len(self.work.stages)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        stage = self.work.stages[0]
        facts = {
            "kind": self.work.kind,
            "label": self.work.label,
            "seconds": round(time.monotonic() - self.since, 1),
        }
        if isinstance(stage, Tune):
            total = {"epochs": epochs(stage), "steps": stage.settings["steps"]}
            return {
                **facts,
                "epoch": 0,
                "step": 0,
                "loss": None,
                "val_pck": None,
                **self.seen,
                **total,
            }
        return {**facts, "part": self.parts, "parts": len(self.work.stages)}


class Progress(Listener):
    """Counts what is planned, already computed, running, done and failed; any thread may ask.

    Args:
        space: what runs.
        store: where results are.
        outlook: the whole study as a plan; for a search it stands for proposals to come.
        load: TFLOP of it that are left.

    Attributes:
        phase: what the launch does now, for people.
    """

    def __init__(self, space: Space, store: Store, outlook: Plan, load: Operations) -> None:
        self.phase = COMPUTING
        self._since = time.monotonic()
        self._lock = threading.Lock()
        self._workers = 1
        self._expected = {kind: len(keys) for kind, keys in _keys(outlook).items()}
        self._planned: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._pending: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._computed = dict.fromkeys(KINDS, 0)
        self._ended: Counter[tuple[str, str]] = Counter()
        self._running: dict[str, _Running] = {}
        self._failures: list[dict[str, str]] = []
        self._incidents: list[dict[str, str]] = []
        self._time = TimeLeft(store, load)
        self._metric, self._axes, self._baseline = space.metric, list(space.axes), space.baseline
        self._best = BestSoFar(store, space.rule, space.metric, space.file.data.evaluate)

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """Take note of a plan and its pending work."""
        with self._lock:
            for kind, keys in _keys(plan).items():
                self._planned[kind] |= keys
            for item in items:
                if item.kind in self._pending:
                    self._pending[item.kind].add(item.key)
            for kind in KINDS:  # counted here, because a snapshot must cost nothing
                self._computed[kind] = len(self._planned[kind] - self._pending[kind])
            self._time.planned(plan, items)
        self._best.planned(plan, [stage.key for item in items for stage in item.stages])

    def started(self, workers: int) -> None:
        """See `Listener`."""
        self._workers = workers

    def event(self, event: str, work: Work, message: str) -> None:
        """Take note of what became of an item; other events are incidents."""
        if event == "start":
            return
        with self._lock:
            if event in ("done", "failed", "stopped", "retry"):
                self._running.pop(work.key, None)
            if event not in ("done", "failed", "stopped"):
                text = last_line(message) if message else ""
                self._incidents.append({"event": event, "label": work.label, "message": text})
                return
            self._ended[work.kind, event] += 1
            self._time.ended(work.key)
            if event == "failed":
                self._failures.append({"label": work.label, "reason": last_line(message)})
        if event == "done" and work.kind == "predict":
            self._best.measured(stage for stage in work.stages if isinstance(stage, Predict))

    def begun(self, work: Work) -> None:
        """See `Listener`."""
        with self._lock:
            self._running[work.key] = _Running(work)

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """Take note of a computed part: an epoch or some steps of a tuning, or a split."""
        with self._lock:
            if (running := self._running.get(work.key)) is not None:
                running.parts += "split" in result
                shown = ("epoch", "step", "loss", "val_pck")
                known = {k: result[k] for k in shown if result.get(k) is not None}
                running.seen.update(known)

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON values: see `study.tables.status`."""
        self._best.read(READING)
        self._time.read()
        with self._lock:
            best = self._best.best
            shares = {key: running.share() for key, running in self._running.items()}
            left = self._time.range(shares, self._workers)
            return {
                "phase": self.phase,
                "seconds": round(time.monotonic() - self._since, 1),
                "left": None if left is None else [round(end, 1) for end in left],
                "workers": self._workers,
                "work": {kind: self._counts(kind) for kind in KINDS},
                "best": best and {
                    "metric": self._metric,
                    "value": best[0],
                    "configuration": best[1].key,
                    "settings": self._differing(best[1]),
                },
                "running": [running.to_json() for running in self._running.values()],
                "failed": len(self._failures),
                "failures": self._failures[-LAST:],
                "incidents": self._incidents[-LAST:],
            }  # fmt: skip

    @property
    def over(self) -> tuple[int, int]:
        """How many work items are computed, in this launch or before, and of how many."""
        with self._lock:
            counts = [self._counts(kind) for kind in KINDS]
        return sum(c["computed"] + c["done"] for c in counts), sum(c["total"] for c in counts)

    @property
    def so_far(self) -> str:
        """The same in words."""
        done, total = self.over
        unwritten = "; tables and figures are not written" if self.phase == WRITING else ""
        return f"{done:,} of {total:,} done{unwritten}"

    def _differing(self, best: Configuration) -> dict[str, Value]:
        """What tells a configuration from the baseline; empty for the baseline."""
        apart = {name: best[name] for name in self._axes if best[name] != self._baseline[name]}
        return {name: value for name, value in apart.items() if value is not None}

    def _counts(self, kind: str) -> dict[str, int]:
        known = len(self._planned[kind])
        ended = {event: self._ended[kind, event] for event in ("done", "failed", "stopped")}
        total = max(known, self._expected[kind])
        return {"total": total, "computed": self._computed[kind], **ended}


def _keys(plan: Plan) -> dict[str, set[str]]:
    """Keys of a plan's work items by kind."""
    return {
        "latents": set(plan.latents),
        "tune": set(plan.tunes),
        "predict": set(plan.extractions),
    }
