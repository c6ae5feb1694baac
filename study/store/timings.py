"""How long work takes: earlier stages' times in the store, and one timed pass, as a range."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sd4match.files.atomic import atomic_path
from study.plan.inputs import Machine, key_of
from study.store.store import Store

PASS = "pass"
"""The kind of a timed pass, which stands in for kinds of stages that were never timed."""

READ = 200  # files of a kind that are read; thousands would say no more
MARGIN = 1.25  # each way: another hour, other images
AROUND_A_PASS = 2.0  # at most this much longer: images, matching and scheduling come on top


@dataclass(frozen=True)
class Duration:
    """Device time, as a range.

    Attributes:
        low, high: seconds on one worker.
        source: what it is estimated from, for people.
    """

    low: float
    high: float
    source: str


def record(
    store: Store, machine: Machine, kind: str, *, key: str, tflop: float, seconds: float
) -> None:
    """Keep how long a stage took.

    Args:
        store: where.
        machine: what did it.
        kind: ``latents``, ``tune``, ``predict`` or `PASS`.
        key: of the stage; a later time replaces it.
        tflop: what it had to compute, 10¹² operations.
        seconds: how long it took, models being loaded.
    """
    file = _folder(store, machine, kind) / f"{key}.json"
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps({"tflop": tflop, "seconds": seconds}) + "\n")
    store.mirror.send([file])


def pull(store: Store) -> None:
    """Bring what other machines timed, where the store is behind a URL: as much as is read."""
    taken: Counter[str] = Counter()

    def few(name: str) -> bool:
        kind = name.partition("/")[0]
        taken[kind] += 1
        return taken[kind] <= READ

    store.mirror.pull(store.speed, few)


def read(file: Path) -> tuple[float, float]:
    """TFLOP and seconds of a stage that was timed; NaN where the file is damaged.

    What it is for is not worth a failure.
    """
    try:
        entry = json.loads(file.read_text())
        return float(entry["tflop"]), float(entry["seconds"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return math.nan, math.nan


def expected(store: Store, work: Mapping[tuple[Machine, str], float]) -> Duration | None:
    """How long some work will take.

    Args:
        store: holds what was timed.
        work: TFLOP by machine and kind of stage.

    Returns:
        A range; None where something was never timed on such a machine, nor a pass.
    """
    low = high = 0.0
    sources: dict[str, None] = {}
    for (machine, kind), tflop in work.items():
        one = rate(store, machine, kind)
        if one is None:
            return None
        low, high = low + tflop * one.low, high + tflop * one.high
        sources[one.source] = None
    return Duration(low, high, f"from {', '.join(sources)} in the store")


def rate(store: Store, machine: Machine, kind: str) -> Duration | None:
    """How long one TFLOP of a kind of stage takes on a machine; None as of `expected`."""
    rates, reach, source = _rates(_folder(store, machine, kind)), MARGIN, f"{kind} stage"
    if not len(rates):
        rates, reach = _rates(_folder(store, machine, PASS)), AROUND_A_PASS
        source = "timed pass"
    if not len(rates):
        return None
    # The middle of what was seen: one stage that had to wait for a busy disk says little.
    slow, fast = np.quantile(rates, (0.9, 0.1))
    several = "" if len(rates) == 1 else "es" if source.endswith("s") else "s"
    return Duration(float(fast / MARGIN), float(slow * reach), f"{len(rates)} {source}{several}")


def _rates(folder: Path) -> np.ndarray:
    """Seconds a TFLOP of what was timed."""
    found: list[float] = []
    for file in sorted(folder.glob("*.json"))[:READ]:
        tflop, seconds = read(file)
        # What computes nothing says nothing.
        if tflop > 0 and 0 <= seconds / tflop < math.inf:
            found.append(seconds / tflop)
    return np.array(found)


def _folder(store: Store, machine: Machine, kind: str) -> Path:
    return store.speed / key_of({"kind": kind, **machine.identity()})
