"""One configuration's scores with intervals, and how far it is from the baseline."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from study import ablation, labels
from study.stats import difference, interval
from study.study import Study

SPLITS = {"test": "test", "val": "validation"}


@dataclass(frozen=True)
class Gap:
    """The difference to the baseline on the same pairs, in PCK; ``low`` and ``high`` may be NaN."""

    effect: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What the interval allows to say."""
        if math.isnan(self.low):
            return "one pair: no interval, so nothing is shown"
        if self.low > 0:
            return "better than the baseline"
        if self.high < 0:
            return "worse than the baseline"
        return "no difference shown: the interval includes 0"

    @property
    def tone(self) -> str:
        """``gain``, ``loss``, or nothing where the interval includes 0."""
        return "gain" if self.low > 0 else "loss" if self.high < 0 else ""


@dataclass(frozen=True)
class Score:
    """PCK on one split at one alpha; NaN where it was not measured, and ``reason`` says why."""

    dataset: str
    split: str
    alpha: float
    pck: float
    low: float
    high: float
    pairs: int
    gap: Gap | None
    reason: str | None

    @property
    def place(self) -> str:
        """Data set and split in words."""
        return f"{labels.dataset(self.dataset)} {SPLITS[self.split]}"


def scores(study: Study, configuration: str, alphas: Sequence[float]) -> list[Score]:
    """The scores of a configuration on every data set and split, test first.

    Args:
        study: holds the measurements.
        configuration: its key.
        alphas: thresholds.

    Returns:
        One score a data set, split and alpha. The gap is None for the baseline itself, and where
        either was not measured.
    """
    own = study.cells[study.cells["configuration"] == configuration]
    base = study.cells[study.cells["configuration"] == study.baseline]
    compared = set() if configuration == study.baseline else _done(base)
    rows = {tuple(row[name] for name in ablation.KEY): row for row in own.to_dict("records")}
    found = []
    for key in ablation.columns(study.cells, alphas):
        row = rows.get(key, {"status": "missing", "reason": "not part of the study"})
        if row["status"] != "done":
            nan = math.nan
            found.append(Score(*key, nan, nan, nan, 0, None, str(row["reason"])))
            continue
        samples = study.samples(configuration, *key)
        around = interval(samples)
        gap = None
        if key in compared:
            by = difference(samples, study.samples(study.baseline, *key))
            gap = Gap(by.effect, by.low, by.high)
        found.append(Score(*key, around.mean, around.low, around.high, len(samples.pck), gap, None))
    return found


def _done(cells: pd.DataFrame) -> set[tuple[object, ...]]:
    done = cells.loc[cells["status"] == "done", list(ablation.KEY)]
    return set(done.itertuples(index=False, name=None))
