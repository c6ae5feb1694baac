"""Importance around a baseline: the largest difference along each axis."""

from functools import cache

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError
from study.analysis.contrasts import one_at_a_time, varied
from study.analysis.importance.measured_metric import AROUND, COLUMNS, Measure
from study.analysis.statistics.stats import differences


def largest_differences(measure: Measure, baseline: str) -> pd.DataFrame:
    """The largest absolute difference to the baseline along each axis.

    Its interval allows for having picked the largest: the m differences of an axis get intervals
    of level 1 - 0.05 / m (Bonferroni), which hold together, so the largest of their lower and of
    their upper ends bound the largest of the true ones.

    Args:
        measure: what is compared.
        baseline: a configuration that was measured.

    Returns:
        `COLUMNS`, one row per axis; values in [0, 1] of PCK.

    Raises:
        SD4MatchError: the baseline was not measured, or nothing beside it.
    """
    if baseline not in measure.settings:
        raise SD4MatchError(f"{measure.metric} is not measured yet for the baseline {baseline}")
    cells = measure.cells[measure.cells["configuration"].isin(measure.settings)]
    pairs = cache(measure.pairs)  # the baseline is in every axis
    found = []
    for axis in varied(cells, baseline=baseline):
        rows = one_at_a_time(cells, axis=axis, baseline=baseline)
        by_seed = {
            row.configuration: {seed: pairs(name) for seed, name in row.by_seed.items()}
            for row in rows
        }
        base = by_seed.pop(baseline)
        level = 1 - 0.05 / len(by_seed)
        gaps = differences(list(by_seed.values()), base)
        bounds = np.array(
            [(gap.effect, *gap.interval_at(level)) for gap in gaps if gap is not None]
        )
        if len(bounds):
            effect, low, high = bounds.T
            nearest = np.where(low * high <= 0, 0.0, np.minimum(abs(low), abs(high)))
            farthest = np.maximum(abs(low), abs(high))
            found.append([axis, None, AROUND, abs(effect).max(), nearest.max(), farthest.max()])
    if not found:
        raise SD4MatchError(
            f"importance by {measure.metric}: nothing that differs from the baseline {baseline}"
            " in one axis alone is measured"
        )
    return pd.DataFrame(found, columns=COLUMNS)
