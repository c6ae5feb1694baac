"""What becomes of a plan's predictions: taken, scored anew, extracted again, or new.

Predicted keypoints are the record. Another alpha or protocol is scored from them; a layer,
localiser, kernel width or temperature that was not read then needs its pass once more, for neither
features nor correlations are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from study.plan.plan import Plan
from study.plan.stages import Predict, Setting
from study.space.axes import Value
from study.space.metric import Rule
from study.store.store import Store

Recorded = Mapping[str, Mapping[Setting, Path]]
"""Predict stage key -> the free settings on record and the file of each."""


@dataclass(frozen=True)
class Reuse:
    """Predictions of a plan (an extraction on a split each), by what has to be done for them.

    Attributes:
        scored: nothing, they are there with their scores.
        rescored: scored from recorded keypoints, without a pass.
        again: extracted again: there is a record, but not of every free setting.
        new: extracted.
        unrecorded: axis -> the values that ``again`` is for.
    """

    scored: int = 0
    rescored: int = 0
    again: int = 0
    new: int = 0
    unrecorded: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [
            (self.scored, "there with their scores"),
            (self.rescored, "scored anew from recorded keypoints, without a pass"),
            (self.again, f"extracted again: no record has {self._unrecorded()}"),
            (self.new, "new"),
        ]
        total = self.scored + self.rescored + self.again + self.new
        said = "; ".join(f"{count:,} {what}" for count, what in told if count)
        return f"of {total:,} predictions (a trial on a split): {said}"

    def _unrecorded(self) -> str:
        values = (f"{axis}={', '.join(map(str, v))}" for axis, v in self.unrecorded.items())
        return " or ".join(values) or "these combinations"


def recorded(plan: Plan, store: Store) -> Recorded:
    """What is on record of a plan's predictions: one look at the store for all questions."""
    held = store.predicted()
    return {key: store.recorded(key) if key in held else {} for key in plan.predicts}


def reuse(plan: Plan, store: Store, rule: Rule, records: Recorded) -> Reuse:
    """Sort a plan's predictions by what has to be done for them.

    Args:
        plan, store: what is wanted, and what is there.
        rule: how it is scored.
        records: see `recorded`.
    """
    counts = dict.fromkeys(("scored", "rescored", "again", "new"), 0)
    unrecorded: dict[str, dict[Value, None]] = {}
    for key, stage in plan.predicts.items():
        there, wanted = records[key], plan.settings[key]
        absent = [setting for setting in wanted if setting not in there]
        if not there:
            counts["new"] += 1
        elif absent:
            counts["again"] += 1
            known = set(_values(there))
            for axis, value in _values(absent):
                if (axis, value) not in known:
                    unrecorded.setdefault(axis, {})[value] = None
        else:
            address = rule.address(stage.extraction.image_size)
            files = {store.score_file(key, there[setting], address) for setting in wanted}
            counts["scored" if all(map(Path.exists, files)) else "rescored"] += 1
    return Reuse(**counts, unrecorded={axis: tuple(v) for axis, v in unrecorded.items()})


def _values(settings: Iterable[Setting]) -> Iterable[tuple[str, Value]]:
    """The axes' values in some free settings."""
    for layer, readout in settings:
        yield "layer", layer
        yield "localizer", readout.localizer
        if readout.kernel_sigma is not None:
            yield "kernel", f"{readout.kernel_sigma:g}"
        if readout.temperature is not None:
            yield "temperature", f"{readout.temperature:g}"


def missing(plan: "Plan", store: Store, stage: Predict) -> tuple[Setting, ...]:
    """The free settings that a plan wants of a predict stage and the store does not hold."""
    recorded = store.recorded(stage.key)
    return tuple(setting for setting in plan.settings[stage.key] if setting not in recorded)
