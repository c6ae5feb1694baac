"""What a tuning tells while it runs: each epoch and, where these are long, every few seconds."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sd4match import tuning_folder
from sd4match.tuning import Tuning

EVERY = 10.0
"""Seconds between reports within an epoch."""


def reports(tuning: Tuning, checkpoint: Path, *, every: float = EVERY) -> Iterator[dict[str, Any]]:
    """Learn to the end, from where the checkpoint is; see `sd4match.tuning_folder.run`.

    A checkpoint is written before each report: who hears of it may stop the tuning.

    Args:
        tuning, checkpoint: as of `run`.
        every: seconds.

    Yields:
        ``step`` (how many are done) and ``loss`` (mean over the steps since the last report), and
        after an epoch the rest of its row of ``tuning.curves``.
    """
    if not tuning.step:
        tuning_folder.resume(tuning, checkpoint)
    told, last, due = tuning.step, time.monotonic(), False

    def on_step(step: int, loss: float) -> None:
        nonlocal due
        due = time.monotonic() - last >= every  # so never in the middle of a validation

    def report(row: dict[str, Any]) -> dict[str, Any]:
        nonlocal told, last, due
        new = tuning.losses[told:]
        told, last, due = tuning.step, time.monotonic(), False
        return {**row, "step": tuning.step, "loss": sum(new) / len(new) if new else None}

    while not tuning.finished:
        rows = tuning_folder.run(tuning, checkpoint, stop=lambda: due, on_step=on_step)
        yield from map(report, rows)
        if not tuning.finished:
            yield report({})
