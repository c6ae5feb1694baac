"""Which parts of a plan are already stored, and which predictions still need a pass.

Predicted keypoints are the record. Another alpha or protocol is scored from them. A layer, place,
localizer, kernel width, temperature or L2 normalization that was not read then needs another pass,
because neither features nor correlations are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sd4match.matching.readout import Setting, names_of
from study.plan.plan import Plan
from study.plan.stages import Predict, score_name
from study.space.axes import Value
from study.space.metric import Rule


@dataclass(frozen=True)
class Duration:
    """Device time, as a range.

    Attributes:
        low, high: seconds on one worker.
        source: what it is estimated from, in words.
    """

    low: float
    high: float
    source: str


@dataclass(frozen=True)
class Stored:
    """What a store holds of a plan; `study.store.store.Store.stored` makes it.

    Attributes:
        tunes: keys of the finished tune stages.
        latents: keys of the finished latents stages.
        settings: key of every predict stage of the plan -> its recorded readout settings, and the
            name of the file of predictions that holds each.
        scores: key of a predict stage -> names of its score files (`stages.score_name`);
            empty where they were not asked for.
    """

    tunes: frozenset[str] = frozenset()
    latents: frozenset[str] = frozenset()
    settings: Mapping[str, Mapping[Setting, str]] = field(default_factory=dict)
    scores: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def missing(self, plan: Plan, stage: Predict) -> tuple[Setting, ...]:
        """The readout settings of a predict stage that are not recorded yet.

        Args:
            plan: what is wanted.
            stage: one of its predict stages.
        """
        recorded = self.settings.get(stage.key, {})
        return tuple(setting for setting in plan.settings[stage.key] if setting not in recorded)

    def scored(self, stage: Predict, settings: Iterable[Setting], rule: Rule) -> bool:
        """Whether recorded settings of a predict stage have scores by a rule.

        Args:
            stage: a predict stage.
            settings: all of them recorded.
            rule: how predictions are scored.
        """
        recorded, address = self.settings[stage.key], rule.address(stage.extraction.image_size)
        wanted = {score_name(recorded[setting], address) for setting in settings}
        return wanted <= self.scores.get(stage.key, frozenset())


@dataclass(frozen=True)
class Reuse:
    """The predictions of a plan (an extraction on a split each), by what has to be done for them.

    Attributes:
        scored: nothing: they are recorded with their scores.
        rescored: scored from recorded keypoints, without a pass.
        again: extracted again: there is a record, but not of every readout setting.
        new: extracted.
        unrecorded: axis -> its values that ``again`` is for.
    """

    scored: int = 0
    rescored: int = 0
    again: int = 0
    new: int = 0
    unrecorded: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = [
            (self.scored, "already computed and scored"),
            (self.rescored, "scored again from recorded keypoints, without a pass"),
            (self.again, f"extracted again: no record has {self._unrecorded()}"),
            (self.new, "new"),
        ]
        total = self.scored + self.rescored + self.again + self.new
        parts = "; ".join(f"{count:,} {what}" for count, what in counts if count)
        return f"of {total:,} predictions (a trial on a split): {parts}"

    def _unrecorded(self) -> str:
        values = (f"{axis}={', '.join(map(str, v))}" for axis, v in self.unrecorded.items())
        return " or ".join(values) or "these combinations"


def reuse(plan: Plan, stored: Stored, rule: Rule) -> Reuse:
    """Sort a plan's predictions by what has to be done for them.

    Args:
        plan: what is wanted.
        stored: what the store holds of it, with scores.
        rule: how predictions are scored.

    Returns:
        The counts.
    """
    counts = dict.fromkeys(("scored", "rescored", "again", "new"), 0)
    unrecorded: dict[str, dict[Value, None]] = {}
    for key, stage in plan.predicts.items():
        recorded = stored.settings.get(key, {})
        missing = stored.missing(plan, stage)
        if not recorded:
            counts["new"] += 1
        elif missing:
            counts["again"] += 1
            known = set(_values(recorded))
            for axis, value in _values(missing):
                if (axis, value) not in known:
                    unrecorded.setdefault(axis, {})[value] = None
        else:
            scored = stored.scored(stage, plan.settings[key], rule)
            counts["scored" if scored else "rescored"] += 1
    return Reuse(**counts, unrecorded={axis: tuple(v) for axis, v in unrecorded.items()})


def _values(settings: Iterable[Setting]) -> Iterable[tuple[str, Value]]:
    """The axes' values in some readout settings."""
    for layer, readout in settings:
        block, place = names_of(layer)
        yield "layer", block
        yield "place", place
        yield "localizer", readout.localizer
        if readout.kernel_sigma is not None:
            yield "kernel", f"{readout.kernel_sigma:g}"
        if readout.temperature is not None:
            yield "temperature", f"{readout.temperature:g}"
        yield "l2_normalize", str(readout.l2_normalize).lower()
