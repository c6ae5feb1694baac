"""The Ray Tune trainable: one trial is one work item; actors stay warm between trials."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ray import tune

from study.engine.faults import fault
from study.engine.work import Work
from study.store.retry import patient

if TYPE_CHECKING:
    from study.engine.worker import Workshop

COLUMNS = dict.fromkeys(("epoch", "step", "loss", "val_pck", "rung_pck"))
"""In every report: loggers such as Ray's for CSV take their columns from the first one."""
MOST = 5
"""Warnings of a step that are passed on; a damaged folder of latents would cause hundreds."""


class StageTrainable(tune.Trainable):
    """Computes one `Work` item; a step is an epoch of a tuning or a split of a prediction.

    Results are in the store, not in Ray's checkpoints: an item that is started again continues
    from what the store holds. The first step only reports where the item runs. An expected error
    ends the trial with a ``failure`` and its ``fault``, and the worker lives on. An unforeseen
    error is raised and ends the worker, whose state is unknown.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Called once an actor."""
        self._workshop: Workshop | None = None
        self._notes = Notes()
        self._hardware: dict[str, Any] = {}
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next work item; the backbone stays."""
        if self._workshop is None:
            self._workshop = self.open_workshop(new_config)
        self._work: Work = new_config["work"]
        self._steps = self._done_patiently(self._workshop)
        return True

    def open_workshop(self, config: dict[str, Any]) -> "Workshop":
        """The worker itself, made once an actor."""
        # Imported late: torch takes seconds that the driver need not wait for.
        from study.engine.machine import hardware
        from study.engine.worker import Workshop
        from study.space.metric import Rule
        from study.store.store import Store
        from study.store.waiting import trust

        trust(config["store"])  # the driver was let in
        self._hardware = {"hardware": hardware()}
        return Workshop(Store(config["store"]), Rule(**config["rule"]))

    def step(self) -> dict[str, Any]:
        """Compute the next part of the item."""
        try:
            report = next(self._steps)
        except Exception as error:
            if (kind := fault(error)) == "bug":
                raise
            report = {"done": True, "fault": kind, "failure": str(error)}
        return {**COLUMNS, **report, "notes": self._notes.take()}

    def _done_patiently(self, workshop: "Workshop") -> Iterator[dict[str, Any]]:
        """Reports of all parts, the last one with ``done``."""
        yield {**self._hardware, "done": False}
        for attempt in patient():
            with attempt:
                # An item of known length ends with its last part: another step would be a useless
                # round trip. The parts of a tuning are epochs, and some may be computed already.
                parts_left = len(self._work.stages)
                for report in workshop.do(self._work):
                    parts_left -= self._work.kind != "tune"
                    yield {**report, "done": parts_left == 0}
        yield {"done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: the store holds it."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing: the store holds it."""


class Notes(logging.Handler):
    """Collects the warnings of both packages, for the driver to report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: list[str] = []
        for package in ("sd4match", "study"):
            logging.getLogger(package).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self._kept.append(" ".join(record.getMessage().split()))

    def take(self) -> list[str]:
        """The warnings since the last call."""
        taken, self._kept = self._kept, []
        more = len(taken) - MOST
        return taken[:MOST] + ([f"… and {more} more"] if more > 0 else [])
