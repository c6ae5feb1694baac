"""PCK of parts of a split: by category, and by SPair-71k's grades of difficulty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sd4match.pck.breakdowns import LEVELS
from study.analysis.results import Results
from study.analysis.selection import Keys
from study.analysis.statistics.stats import PairSamples, Row, intervals
from study.space import labels

GROUPS = ("category", *LEVELS)
"""What pairs can be grouped by."""


@dataclass(frozen=True)
class Number:
    """A PCK with its 95 % interval, or why there is none.

    Attributes:
        pck, low, high: shares in [0, 1]; NaN where missing.
        pairs, seeds: how many count.
        reason: why it is missing.
        records: keys of the predict stages it comes from.
        unbounded: why the pairs tell no interval.
    """

    pck: float = np.nan
    low: float = np.nan
    high: float = np.nan
    pairs: int = 0
    seeds: int = 0
    reason: str | None = None
    records: tuple[str, ...] = ()
    unbounded: str | None = None

    @classmethod
    def of(cls, row: Row, records: tuple[str, ...]) -> "Number":
        """The mean over some seeds and pairs."""
        (around,) = intervals([row])
        pairs = len(next(iter(row.values())).pck)
        bounds = around.low, around.high
        return cls(around.mean, *bounds, pairs, len(row), None, records, around.reason)


def mean(numbers: Mapping[str, Number]) -> Number:
    """The mean over data sets; missing where one of them is.

    Their errors are taken as independent. Those of images are; those of seeds are not where data
    sets share a prompt, as PF-Pascal and PF-Willow do.
    """
    gone = [name for name, number in numbers.items() if number.reason is not None]
    if gone:
        where = ", ".join(map(labels.dataset, gone))
        return Number(reason=f"the mean needs {where} too")
    pck = np.array([number.pck for number in numbers.values()])
    below = pck - [number.low for number in numbers.values()]
    above = [number.high for number in numbers.values()] - pck
    return Number(
        float(pck.mean()),
        float(pck.mean() - np.sqrt((below**2).sum()) / len(pck)),
        float(pck.mean() + np.sqrt((above**2).sum()) / len(pck)),
        sum(number.pairs for number in numbers.values()),
        min(number.seeds for number in numbers.values()),
        None,
        tuple(record for number in numbers.values() for record in number.records),
        next((number.unbounded for number in numbers.values() if number.unbounded), None),
    )


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a study at one alpha, and parts of it.

    Attributes:
        study: the study that measured it.
        dataset, split, alpha: the split, and the threshold of PCK.
    """

    study: Results
    dataset: str
    split: str
    alpha: float

    @cached_property
    def _rows(self) -> pd.DataFrame:
        index = self.study.index
        here = (index["dataset"] == self.dataset) & (index["split"] == self.split)
        return index[here].set_index("configuration")

    @cached_property
    def _reasons(self) -> Mapping[str, str | None]:
        cells = self.study.cells
        here = cells[
            (cells["dataset"] == self.dataset)
            & (cells["split"] == self.split)
            & (cells["alpha"] == self.alpha)
        ]
        return dict(zip(here["configuration"], here["reason"], strict=True))

    @cached_property
    def _pairs(self) -> pd.DataFrame:
        return self.study.pairs(self.dataset, self.split)

    def levels(self, group: str) -> list[str]:
        """The categories, or the grades, that pairs of this split have."""
        if group == "category":
            return sorted(self._pairs["category"].unique())
        grades = set(self._pairs[group].dropna().astype(int))
        return [level for grade, level in enumerate(LEVELS[group]) if grade in grades]

    def numbers(self, rows: Iterable[Keys], parts: Mapping[str, str]) -> dict[Keys, Number]:
        """PCK of rows over the pairs of some parts, by row: the mean over its measured seeds.

        Args:
            rows: configurations that differ in the seed alone.
            parts: group to level, all of which a pair must have; empty for the whole split.
        """
        return {keys: self._number(keys, parts) for keys in rows}

    def _number(self, keys: Keys, parts: Mapping[str, str]) -> Number:
        reasons = {key: self._reasons.get(key, "not part of the study") for key in keys}
        done = [key for key, reason in reasons.items() if reason is None]
        if not done:
            return Number(reason=reasons[keys[0]])
        kept = self._kept(parts)
        if not kept.any():
            return Number(reason="no such pair")
        row = {seed: self._samples(key).part(kept) for seed, key in enumerate(done)}
        return Number.of(row, tuple(str(self._rows.loc[key, "predict"]) for key in done))

    def _samples(self, key: str) -> PairSamples:
        if key not in self._kept_samples:
            self._kept_samples[key] = self.study.samples(key, self.dataset, self.split, self.alpha)
        return self._kept_samples[key]

    @cached_property
    def _kept_samples(self) -> dict[str, PairSamples]:
        return {}

    def _kept(self, parts: Mapping[str, str]) -> "np.ndarray":
        kept = np.ones(len(self._pairs), dtype=bool)
        for group, level in parts.items():
            wanted = level if group == "category" else LEVELS[group].index(level)
            kept &= (self._pairs[group] == wanted).fillna(False).to_numpy(dtype=bool)
        return kept
