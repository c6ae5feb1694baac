"""One metric of all measured configurations: the input of every importance method."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError
from study.analysis.ablation import Samples
from study.analysis.rows import by_seed, columns, configurations, value
from study.analysis.statistics.stats import PairSamples
from study.space.axes import SEED
from study.space.labels import Settings
from study.space.metric import MEAN, Metric

COLUMNS = ["axis", "other", "kind", "value", "low", "high"]
"""Columns of every table of importance."""

FACTORIAL, SEARCH, AROUND = "share of variance", "PED-ANOVA share", "largest difference"
"""Values of the column ``kind``: of a factorial, of a search, of a design around a baseline."""


@dataclass(frozen=True, eq=False)
class Measure:
    """A metric of a study.

    Attributes:
        cells: see `study.analysis.contrasts`.
        samples: see `study.analysis.ablation`.
        metric: an average over pairs.
        keys: (dataset, split, alpha) that the metric is the mean of.
        values: the metric by configuration, of those that were measured on all of these.
        settings: the axes of these configurations.
        seeds: the first configuration of each setting to all of its configurations, by seed.
    """

    cells: pd.DataFrame
    samples: Samples
    metric: Metric
    keys: tuple[tuple[str, str, float], ...]
    values: "pd.Series[float]"
    settings: dict[str, Settings]
    seeds: dict[str, dict[int, str]]

    @property
    def seedless(self) -> dict[str, Settings]:
        """The axes but the seed, by the first configuration of each setting: no axis of its own."""
        return {
            first: {axis: value for axis, value in self.settings[first].items() if axis != SEED}
            for first in self.seeds
        }

    @classmethod
    def of(cls, cells: pd.DataFrame, samples: Samples, metric: Metric) -> "Measure":
        """The measure of a metric.

        Raises:
            SD4MatchError: the study does not measure it, or has not measured it yet.
        """
        values = value(cells, metric).dropna()
        if values.empty:
            raise SD4MatchError(f"{metric} is not measured yet for any configuration")
        keys = tuple(
            key
            for key in columns(cells, [metric.alpha])
            if key[1] == metric.split and metric.dataset in (key[0], MEAN)
        )
        settings = configurations(cells[cells["configuration"].isin(values.index)])
        return cls(cells, samples, metric, keys, values, settings, by_seed(settings))

    def pairs(self, configuration: str) -> PairSamples:
        """The pairs of all data sets as one sample, scaled so that its mean is the metric.

        Images and categories stay apart by data set; seeds are common to all, as trainings are.
        """
        parts = [self.samples(configuration, *key) for key in self.keys]
        number = sum(len(part.pck) for part in parts)
        pck = [part.pck * (number / (len(part.pck) * len(parts))) for part in parts]
        names = (
            np.concatenate([getattr(p, name) + (np.int64(n) << 32) for n, p in enumerate(parts)])
            for name in ("source", "target", "category")
        )
        return PairSamples(np.concatenate(pck), *names)
