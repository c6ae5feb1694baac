"""Metrics by name: ``data set / split / measure``, for example ``spair/val/pck@0.1``."""

import difflib
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sd4match.datasets import NAMES, SPLITS
from sd4match.errors import SD4MatchError, require_known

MEAN = "mean"
COST = "cost"
"""What configurations may be chosen by beside metrics, and less is better: planned TFLOP an image,
see `study.search.objectives`."""
_GRAMMAR = re.compile(r"(\w+)/(\w+)/pck@(\d*\.?\d+)(/point)?")


@dataclass(frozen=True)
class Metric:
    """One number of a configuration.

    Attributes:
        dataset: a benchmark's name, or ``mean``: over the data sets that have the split.
        split: ``train``, ``val`` or ``test``.
        alpha: threshold of PCK, a share of the reference length.
        point: per-keypoint average instead of the per-image one (METHOD.md section 3).
    """

    dataset: str
    split: str
    alpha: float
    point: bool = False

    def __str__(self) -> str:
        return f"{self.dataset}/{self.split}/pck@{self.alpha:g}{'/point' if self.point else ''}"

    @classmethod
    def parse(cls, text: str) -> "Metric":
        """The metric of this name.

        Args:
            text: ``spair/val/pck@0.1``, ``pf_willow/test/pck@0.05/point``, ``mean/test/pck@0.1``.

        Raises:
            SD4MatchError: when there is no such metric; the message gives the nearest.
        """
        found = _GRAMMAR.fullmatch(text)
        if found is None:
            near = difflib.get_close_matches(text, _names(), n=2, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "for example spair/val/pck@0.1"
            raise SD4MatchError(f"no metric {text!r}: it reads dataset/split/pck@alpha; {hint}")
        dataset, split, alpha = found[1], found[2], float(found[3])
        require_known(dataset, (*NAMES, MEAN), what="data set", where=f"metric {text!r}")
        splits = _splits(dataset)
        if split not in splits:
            raise SD4MatchError(
                f"metric {text!r}: {dataset} has no split {split!r}; take {' or '.join(splits)}"
            )
        if not alpha > 0:
            raise SD4MatchError(f"metric {text!r}: alpha must be above 0, for example pck@0.1")
        return cls(dataset, split, alpha, found[4] is not None)


def selecting(text: str) -> Metric:
    """A metric that may choose configurations: one on validation (DESIGN.md, idea 7).

    Raises:
        SD4MatchError: no metric of that name, or it is not on validation.
    """
    metric = Metric.parse(text)
    if metric.split != "val":
        raise SD4MatchError(
            f"metric {text!r} is on {metric.split}: configurations are chosen on val only; "
            "`study table` shows every split"
        )
    return metric


def value(cells: pd.DataFrame, metric: Metric | str) -> "pd.Series[float]":
    """A metric of every configuration.

    Args:
        cells: one row per (configuration, dataset, split, alpha), see `study.comparison`.
        metric: the metric or its name.

    Returns:
        Values in [0, 1] by configuration, in the order of ``cells``; NaN where not measured. A
        mean over data sets is NaN unless all of them were measured: others are not comparable.

    Raises:
        SD4MatchError: when the metric has no name or the study does not measure it.
    """
    wanted = Metric.parse(metric) if isinstance(metric, str) else metric
    rows = cells[(cells["split"] == wanted.split) & np.isclose(cells["alpha"], wanted.alpha)]
    if wanted.dataset != MEAN:
        rows = rows[rows["dataset"] == wanted.dataset]
    if rows.empty:
        there = [str(Metric(*key)) for key in _keys(cells)]
        near = difflib.get_close_matches(str(wanted), there, n=3, cutoff=0.0)
        raise SD4MatchError(f"the study does not measure {wanted}; near it: {', '.join(near)}")
    measure = "pck_point" if wanted.point else "pck"
    by_dataset = rows.pivot(index="configuration", columns="dataset", values=measure)
    values = by_dataset.astype(float).mean(axis=1, skipna=False)
    return values.reindex(cells["configuration"].unique()).rename(str(wanted))


def _keys(cells: pd.DataFrame) -> list[tuple[str, str, float]]:
    unique = cells[["dataset", "split", "alpha"]].drop_duplicates()
    return [(str(d), str(s), float(a)) for d, s, a in unique.itertuples(index=False)]


def _splits(dataset: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(s for name in NAMES for s in SPLITS[name] if dataset in (name, MEAN))
    )


def _names() -> list[str]:
    return [
        str(Metric(dataset, split, alpha, point))
        for dataset in (*NAMES, MEAN)
        for split in _splits(dataset)
        for alpha in (0.1, 0.05, 0.15)
        for point in (False, True)
    ]
