"""The nodes of the cluster: told when one is lost or joins."""

import time
from collections.abc import Callable
from typing import Any

import ray

from study.engine.callbacks import Here
from study.engine.work import Work

EVERY = 2.0  # seconds between looks


class Nodes(Here):
    """Looks for changes while trials run.

    Args:
        on_event: called with (``lost`` or ``joined``, a place, message).
    """

    def __init__(self, on_event: Callable[[str, Work, str], None]) -> None:
        self._on_event = on_event
        self._there = _there()
        self._looked = time.monotonic()

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Called by Ray Tune after each of its steps."""
        if time.monotonic() - self._looked < EVERY:
            return
        before, self._there, self._looked = self._there, _there(), time.monotonic()
        for event, one, other in (("lost", before, self._there), ("joined", self._there, before)):
            for key in sorted(one.keys() - other.keys()):
                place = Work("place", key, f"node {one[key]}", ())
                self._on_event(event, place, f"{len(self._there)} nodes are there")


def _there() -> dict[str, str]:
    """Id and name of each living node."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {node["NodeID"]: node["NodeManagerHostname"] for node in found if node["Alive"]}
