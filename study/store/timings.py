"""How long stages took, by machine and kind of stage, and the rates estimated from that."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sd4match.files.atomic import atomic_path
from study.plan.inputs import Machine, key_of
from study.plan.stored import Duration
from study.store.mirror import Mirror

PASS = "pass"
"""The kind of a timed pass. It stands in for kinds of stages that were never timed."""

KINDS = ("latents", "tune", "predict")
"""The kinds of stages that are timed."""

READ = 200  # files of a kind that are read; thousands would say no more
MARGIN = 1.25  # in both directions: another hour, other images
AROUND_A_PASS = 2.0  # at most this much longer: images, matching and scheduling add time


@dataclass(frozen=True)
class Timings:
    """Reads and writes the times in a store.

    Attributes:
        folder: where they are.
        mirror: of the store.
    """

    folder: Path
    mirror: Mirror

    def record(
        self, machine: Machine, kind: str, *, key: str, tflop: float, seconds: float
    ) -> None:
        """Keep how long a stage took.

        Args:
            machine: where it ran.
            kind: one of `KINDS`, or `PASS`.
            key: of the stage; a later time replaces an earlier one.
            tflop: operations of the stage, 10¹².
            seconds: how long it took, without loading models.
        """
        file = self._of(machine, kind) / f"{key}.json"
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps({"tflop": tflop, "seconds": seconds}) + "\n")
        self.mirror.send([file])

    def pull(self) -> None:
        """Bring the times of other machines, where the store is behind a URL: `READ` a kind."""
        taken: Counter[str] = Counter()

        def few(name: str) -> bool:
            kind = name.partition("/")[0]
            taken[kind] += 1
            return taken[kind] <= READ

        self.mirror.pull(self.folder, few)

    def rates(self, machines: Iterable[Machine]) -> dict[tuple[Machine, str], Duration]:
        """How long one TFLOP takes, by machine and kind of stage; what was never timed is absent.

        Args:
            machines: which ones.
        """
        kinds = ((machine, kind) for machine in dict.fromkeys(machines) for kind in KINDS)
        found = ((of, self.rate(*of)) for of in kinds)
        return {of: rate for of, rate in found if rate is not None}

    def rate(self, machine: Machine, kind: str) -> Duration | None:
        """How long one TFLOP of a kind of stage takes on a machine.

        Args:
            machine: where it runs.
            kind: one of `KINDS`.

        Returns:
            A range of seconds; None where neither the kind nor a pass was timed on that machine.
        """
        seconds, reach, source = self._seconds(machine, kind), MARGIN, f"{kind} stage"
        if not seconds:
            seconds, reach = self._seconds(machine, PASS), AROUND_A_PASS
            source = "timed pass"
        if not seconds:
            return None
        import numpy as np

        # Quantiles instead of extremes: one stage that had to wait for a busy disk says little.
        slow, fast = np.quantile(seconds, (0.9, 0.1))
        plural = "" if len(seconds) == 1 else "es" if source.endswith("s") else "s"
        source = f"{len(seconds)} {source}{plural}"
        return Duration(float(fast / MARGIN), float(slow * reach), source)

    def _seconds(self, machine: Machine, kind: str) -> list[float]:
        """Seconds for one TFLOP of each stage that was timed."""
        found: list[float] = []
        for file in sorted(self._of(machine, kind).glob("[!.]*.json"))[:READ]:
            tflop, seconds = read(file)
            # A stage that computes nothing says nothing.
            if tflop > 0 and 0 <= seconds / tflop < math.inf:
                found.append(seconds / tflop)
        return found

    def _of(self, machine: Machine, kind: str) -> Path:
        return self.folder / key_of({"kind": kind, **machine.identity()})


def read(file: Path) -> tuple[float, float]:
    """TFLOP and seconds of a stage that was timed.

    Args:
        file: as `Timings.record` wrote it.

    Returns:
        NaN for both where the file is damaged: an estimate is not worth a failure.
    """
    try:
        entry = json.loads(file.read_text())
        return float(entry["tflop"]), float(entry["seconds"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return math.nan, math.nan
