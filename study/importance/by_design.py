"""One question, asked of each design in the way that it can answer exactly."""

import pandas as pd

from sd4match.errors import SD4MatchError, require_known
from study.ablation import Samples
from study.importance import around, factorial
from study.importance.measure import Measure
from study.metric import Metric

_AROUND = ("one_at_a_time", "leave_one_out")


def importance(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    design: str,
    metric: str,
    baseline: str,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """How much each axis matters.

    - ``factorial``: each axis's main effect and each two axes' interaction, as shares of the
      variance over all combinations (`study.importance.factorial`), ``seed`` as an axis like
      others. With combinations missing it is asked as a search is.
    - ``search``: shares of PED-ANOVA's importance for reaching the best tenth
      (`study.importance.search`).
    - ``one_at_a_time``, ``leave_one_out``: the largest difference to the baseline that an axis
      makes (`study.importance.around`); no share, since nothing was varied together.

    Args:
        cells, samples: see `study.ablation`.
        design: of the study.
        metric: see `study.metric`; an average over pairs.
        baseline: a configuration.
        resamples: of images; a search resamples its trials, fewer times.
        seed: of the draws.

    Returns:
        Columns: ``axis``, ``other`` (None for an axis alone), ``kind`` (in words: see
        `study.importance.measure`), ``value`` and its 95 % interval ``low``, ``high``. Axes before
        interactions, the larger first.

    Raises:
        SD4MatchError: no such metric or design; nothing to compare or too little measured.
    """
    require_known(design, (*_AROUND, "factorial", "search"), what="design")
    wanted = Metric.parse(metric)
    if wanted.point:
        raise SD4MatchError(
            f"importance by {metric}: pairs are resampled, so it is of averages over pairs; "
            f"take {metric.removesuffix('/point')}"
        )
    measure = Measure.of(cells, samples, wanted)
    if design in _AROUND:
        found = around.largest_differences(measure, baseline, resamples=resamples, seed=seed)
    else:
        grid = factorial.grid_of(measure.settings) if design == "factorial" else None
        if grid is None:
            from study.importance import search  # takes Optuna with it

            found = search.ped_anova(measure, seed=seed)
        else:
            found = factorial.shares(measure, grid, resamples=resamples, seed=seed)
    found = found.astype({"other": object})
    found["other"] = found["other"].where(found["other"].notna(), None)
    found["alone"] = found["other"].isna()
    found = found.sort_values(["alone", "value"], ascending=False, kind="stable")
    return found.drop(columns="alone").reset_index(drop=True)
