"""An estimate of the time left of a launch: the pending work at the speed measured so far."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from study.engine.work import Work
from study.plan.cost import Costs
from study.plan.estimates import Operations, images_of
from study.plan.inputs import Machine
from study.plan.plan import Plan
from study.plan.stages import Latents, Tune
from study.plan.stored import Duration
from study.store.store import Store

Kind = tuple[Machine, str]
"""A kind of stage on a machine: each has its own speed."""
TINY = 1e-9
"""TFLOP that count as zero: rounding of sums whose parts were subtracted."""

FRESH = 10.0
"""Seconds after which times are read from the store again."""

Range = tuple[float, float]


class TimeLeft:
    """Counts down the operations of a study.

    Args:
        store: holds how long stages took, those of this launch included.
        outlook: TFLOP of the whole study by machine and kind of stage, before it begins. A search
            decides while it runs what it runs; this stands for proposals to come.
    """

    def __init__(self, store: Store, outlook: Operations) -> None:
        self._store = store
        self._costs = Costs()
        self._outlook = outlook
        self._known: Operations = defaultdict(float)  # planned and not over
        self._ended: Operations = defaultdict(float)
        self._items: dict[str, Operations] = {}
        self._over: set[str] = set()
        self._largest: Operations = defaultdict(float)  # of an item
        self._rates: dict[Kind, Duration | None] = dict.fromkeys(outlook)
        self._read = -FRESH

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """Take note of work items that are going to run."""
        for item in items:
            if item.key in self._over or item.key in self._items:  # planned again by a search
                continue
            self._items[item.key] = operations_of(self._costs, plan, item)
            for kind, tflop in self._items[item.key].items():
                self._known[kind] += tflop
                self._largest[kind] = max(self._largest[kind], tflop)
                self._rates.setdefault(kind)

    def ended(self, key: str) -> None:
        """Take note that an item is over, done or not."""
        self._over.add(key)
        for kind, tflop in self._items.pop(key, {}).items():
            self._known[kind] -= tflop
            self._ended[kind] += tflop

    def read(self) -> None:
        """Read from the store how long stages take, if that was some seconds ago."""
        if time.monotonic() - self._read >= FRESH:
            self._rates.update({kind: self._store.timings.rate(*kind) for kind in [*self._rates]})
            self._read = time.monotonic()

    def range(self, shares: Mapping[str, float], workers: int) -> Range | None:
        """Seconds on the clock, from and to.

        Args:
            shares: running item to how much of it is done, in [0, 1].
            workers: how many items run at a time.

        Returns:
            None where a kind of stage that is left was never timed on such a machine.
        """
        left = {
            kind: max(self._known[kind], self._outlook.get(kind, 0.0) - self._ended[kind])
            for kind in self._rates
        }
        running = []
        for key, share in shares.items():
            load = self._items.get(key, {})
            running.append({kind: (1 - share) * tflop for kind, tflop in load.items()})
            for kind, tflop in load.items():
                left[kind] -= share * tflop
        last = [self._largest] if len(self._items) > len(running) else running
        if any(self._rates[kind] is None for kind, tflop in left.items() if tflop > TINY):
            return None
        low, high = self._seconds(left)
        # Workers share what is left, but an item runs on one of them; the last may begin late.
        soonest = max((self._seconds(load)[0] for load in running), default=0.0)
        latest = max((self._seconds(load)[1] for load in last), default=0.0)
        return max(low / workers, soonest), (high + (workers - 1) * latest) / workers

    def _seconds(self, load: Mapping[Kind, float]) -> Range:
        known = [(tflop, r) for kind, tflop in load.items() if (r := self._rates[kind])]
        return sum(tflop * r.low for tflop, r in known), sum(tflop * r.high for tflop, r in known)


def operations_of(costs: Costs, plan: Plan, item: Work) -> Operations:
    """TFLOP of a work item by machine and kind of stage.

    Args:
        costs: counts them.
        plan: that the item belongs to.
        item: of work.
    """
    load: Operations = defaultdict(float)
    for stage in item.stages:
        if isinstance(stage, Latents):
            flop = costs.encode(stage.machine, stage.image_size, stage.images)
            load[stage.machine, "latents"] += flop / 1e12
        elif isinstance(stage, Tune):
            load[stage.machine, "tune"] += costs.tune(stage) / 1e12
        else:
            flop = costs.predict(stage, item.settings[stage.key], images=images_of(plan, stage))
            load[stage.extraction.machine, "predict"] += flop / 1e12
    return load
