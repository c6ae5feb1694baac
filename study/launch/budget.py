"""The budget of a launch: how much of the work it pays for, and what may still begin."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from study.analysis.measuring import PENDING
from study.analysis.results import Results
from study.analysis.rows import none_for_na
from study.engine.listener import Listener
from study.engine.stopping import Halt
from study.engine.work import Work
from study.launch.time_left import operations_of
from study.plan.cost import Costs
from study.plan.estimates import Estimate, Operations
from study.plan.plan import Plan
from study.plan.stored import Duration
from study.space import labels
from study.space.axes import AXES
from study.space.schema import Budget
from study.store.store import Store

MOST = 8
"""Remaining configurations that are named; the rest is counted."""


class Purse(Listener):
    """Spends a budget on work items.

    An item begins only if what is left of the budget pays for it; smaller ones that come later may
    still begin. A tuning begins while any time is left, because its checkpoint is kept.

    Args:
        budget: of this launch.
        store: says how long stages take.
        started: `time.monotonic` at which the launch began.
    """

    def __init__(self, budget: Budget, store: Store, started: float) -> None:
        self._budget = budget
        self._store = store
        self._started = started
        self._costs = Costs()
        self._loads: dict[str, Operations] = {}
        self._begun: set[str] = set()
        self._spent = 0.0
        self._rates: dict[object, Duration | None] = {}

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """Take note of what items cost."""
        if self._budget.hours is None and self._budget.tflop is None:
            return
        for item in items:
            self._loads[item.key] = operations_of(self._costs, plan, item)

    def event(self, event: str, work: Work, message: str) -> None:
        """Count an item that begins, once."""
        if event == "start" and work.key not in self._begun:
            self._begun.add(work.key)
            self._spent += sum(self._loads.get(work.key, {}).values())

    def allows(self, work: Work) -> bool:
        """Whether an item may begin.

        Args:
            work: its needs are met.
        """
        hours, tflop = self._budget.hours, self._budget.tflop
        load = self._loads.get(work.key)
        if load is None or work.key in self._begun:  # the preflight, or another try
            return True
        if tflop is not None and self._spent + sum(load.values()) > tflop:
            return False
        return hours is None or work.kind == "tune" or self._seconds(load) <= self._left(hours)

    def check(self) -> None:
        """End the computing when the time is over.

        Raises:
            Halt: it is.
        """
        hours = self._budget.hours
        if hours is not None and self._left(hours) <= 0:
            raise Halt(self.spent)

    @property
    def spent(self) -> str:
        """That the budget is used up, in words."""
        return f"the budget of {in_words(self._budget)} is used up"

    def _left(self, hours: float) -> float:
        return 3600 * hours - (time.monotonic() - self._started)

    def _seconds(self, load: Operations) -> float:
        """The least time that an item takes; 0 where nothing like it was timed."""
        return sum(
            tflop * (self._rate(*of) or Duration(0, 0, "")).low for of, tflop in load.items()
        )

    def _rate(self, *of: object) -> Duration | None:
        if self._rates.get(of) is None:  # once known, it is good enough
            self._rates[of] = self._store.timings.rate(*of)  # type: ignore[arg-type]
        return self._rates[of]


def in_words(budget: Budget) -> str:
    """A budget for people; empty where there is none.

    Args:
        budget: of a launch.
    """
    hours = None if budget.hours is None else f"{budget.hours:g} hour{'s' * (budget.hours != 1)}"
    tflop = None if budget.tflop is None else f"{budget.tflop:,g} TFLOP"
    return " and ".join(filter(None, (hours, tflop)))


def forecast(budget: Budget, numbers: Estimate, workers: int | None) -> list[str]:
    """How much of a plan a budget pays for, one line for each limit.

    Args:
        budget: of a launch.
        numbers: of the plan.
        workers: how many items run at a time; None where a cluster decides it.

    Returns:
        Nothing where the budget has no limit, or nothing is left to compute.
    """
    lines = []
    if budget.tflop is not None and numbers.tflop_left:
        lines.append(
            f"budget: {budget.tflop:,g} of {numbers.tflop_left:,.3g} TFLOP, "
            f"{_share(budget.tflop / numbers.tflop_left)} of the work"
        )
    if budget.hours is not None and numbers.tflop_left:
        hours = f"budget: {labels.clock(3600 * budget.hours)}, "
        took = numbers.duration
        if took is None or workers is None:
            unknown = "the workers of the cluster are" if took else "the speed of this device is"
            lines.append(f"{hours}an unknown share of the work: {unknown} not known yet")
        else:
            low, high = (_share(3600 * budget.hours * workers / t) for t in (took.high, took.low))
            lines.append(f"{hours}{low if low == high else f'{low} to {high}'} of the work")
    return lines


def _share(part: float) -> str:
    return f"{min(part, 1):.0%}"


def remaining(study: Results) -> dict[str, str]:
    """The configurations that lack a result that is still to be computed: key to their settings.

    Args:
        study: after a launch.
    """
    pending = study.cells[study.cells["reason"] == PENDING].drop_duplicates("configuration")
    rows: Any = none_for_na(pending.set_index("configuration")[study.axes or list(AXES)])
    return {str(key): labels.settings(row) for key, row in rows.to_dict("index").items()}


def remaining_lines(settings: Mapping[str, str]) -> list[str]:
    """What `remaining` found, for people.

    Args:
        settings: configuration to its settings in words.
    """
    shown = [f"  {key}: {text}" for key, text in list(settings.items())[:MOST]]
    if len(settings) > MOST:
        shown.append(f"  … and {len(settings) - MOST:,} more")
    verb = "remains" if len(settings) == 1 else "remain"
    return [f"{labels.several(len(settings), 'configuration')} {verb}:", *shown]
