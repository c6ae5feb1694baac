"""Importance around a baseline: the largest difference that each axis makes."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError
from study.ablation import Samples
from study.comparison import Row, one_at_a_time, varied
from study.importance.measure import AROUND, COLUMNS, Measure
from study.stats import Difference, PairSamples, differences


def largest_differences(
    measure: Measure, baseline: str, *, resamples: int, seed: int
) -> pd.DataFrame:
    """The largest absolute difference to the baseline along each axis.

    Its interval allows for having picked the largest: the m differences of an axis get intervals
    of level 1 - 0.05 / m (Bonferroni), which hold together, so the largest of their lower and of
    their upper ends bound the largest of the true ones.

    Args:
        measure: what is compared.
        baseline: a configuration that was measured.
        resamples, seed: as for `study.stats.differences`.

    Returns:
        `COLUMNS`, one row an axis; values in [0, 1] of PCK.

    Raises:
        SD4MatchError: the baseline was not measured, or nothing beside it.
    """
    if baseline not in measure.settings:
        raise SD4MatchError(f"{measure.metric} is not measured yet for the baseline {baseline}")
    cells = measure.cells[measure.cells["configuration"].isin(measure.settings)]
    samples = cache(measure.samples)  # the baseline is in every axis
    found = []
    for axis in varied(cells, baseline=baseline):
        rows = one_at_a_time(cells, axis=axis, baseline=baseline)
        bounds = np.array(
            _effects(measure.keys, samples, rows, baseline, resamples=resamples, seed=seed)
        )
        if len(bounds):
            effect, low, high = bounds.T
            nearest = np.where(low * high > 0, np.minimum(abs(low), abs(high)), 0.0)
            farthest = np.maximum(abs(low), abs(high))
            found.append([axis, None, AROUND, abs(effect).max(), nearest.max(), farthest.max()])
    if not found:
        raise SD4MatchError(
            f"importance by {measure.metric}: nothing that differs from the baseline {baseline}"
            " in one axis alone is measured"
        )
    return pd.DataFrame(found, columns=COLUMNS)


def _effects(
    keys: Sequence[tuple[str, str, float]],
    samples: Samples,
    rows: list[Row],
    baseline: str,
    *,
    resamples: int,
    seed: int,
) -> list[tuple[float, float, float]]:
    """(effect, low, high) of the rows that share a seed with the baseline."""
    base = next(row for row in rows if row.configuration == baseline)
    others = [row for row in rows if row is not base]
    level = 1 - 0.05 / len(others)
    by_row: list[list[Difference]] = [[] for _ in others]
    for key in keys:
        gaps = differences(
            [_read(samples, row, key) for row in others],
            _read(samples, base, key),
            level=level,
            resamples=resamples,
            seed=seed,
        )
        for several, gap in zip(by_row, gaps, strict=True):
            several += [gap] if gap is not None else []
    return [_mean(gaps) for gaps in by_row if gaps]


def _read(samples: Samples, row: Row, key: tuple[str, str, float]) -> dict[int, PairSamples]:
    return {seed: samples(name, *key) for seed, name in row.by_seed.items()}


def _mean(gaps: list[Difference]) -> tuple[float, float, float]:
    """The mean of independent data sets' differences.

    The squared distances from effect to bound add up, as variances do (Zou and Donner 2008).
    """
    effect = float(np.mean([gap.effect for gap in gaps]))
    below = np.linalg.norm([gap.effect - gap.low for gap in gaps]) / len(gaps)
    above = np.linalg.norm([gap.high - gap.effect for gap in gaps]) / len(gaps)
    return effect, effect - float(below), effect + float(above)
