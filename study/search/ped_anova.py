"""Importance of axes: PED-ANOVA for searches, the matching method for other designs."""

import warnings
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import optuna
import pandas as pd
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from sd4match.errors import SD4MatchError, require_known
from study.analysis.ablation import Samples
from study.analysis.importance import factorial, largest
from study.analysis.importance.measured_metric import COLUMNS, SEARCH, Measure
from study.analysis.results import Results
from study.analysis.rows import none_for_na
from study.search.proposals import Dimension
from study.space.axes import AXES
from study.space.metric import Metric

_AROUND = ("one_at_a_time", "leave_one_out")

RESAMPLES = 200
"""Resamples of trials for an interval of PED-ANOVA."""
_TOP = 5  # Optuna's advice: at least so many among the best


def importance(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    design: str,
    metric: str,
    baseline: str,
    seed: int = 0,
) -> pd.DataFrame:
    """How much each axis matters.

    - ``factorial``: each axis's main effect and each two axes' interaction, as shares of the
      variance over all combinations (`study.analysis.importance.factorial`), averages over
      seeds. If combinations are missing, as for a search.
    - ``search``: shares of PED-ANOVA's importance for reaching the best tenth (`ped_anova`).
    - ``one_at_a_time``, ``leave_one_out``: the largest difference to the baseline that an axis
      makes (`study.analysis.importance.largest`); no share, because no axes varied together.

    Args:
        cells, samples: see `study.analysis.ablation`.
        design: of the study.
        metric: see `study.space.metric`; an average over pairs.
        baseline: a configuration.
        seed: of the draws.

    Returns:
        Columns: ``axis``, ``other`` (None for an axis alone), ``kind`` (in words: see
        `study.analysis.importance.measured_metric`), ``value`` and its 95 % interval ``low``,
            ``high``.
        Axes come before interactions, larger values first.

    Raises:
        SD4MatchError: no such metric or design; nothing to compare or too little measured.
    """
    require_known(design, (*_AROUND, "factorial", "search"), what="design")
    wanted = Metric.parse(metric)
    if wanted.point:
        raise SD4MatchError(
            f"importance by {metric}: its error is known only for averages over pairs; "
            f"take {metric.removesuffix('/point')}"
        )
    measure = Measure.of(cells, samples, wanted)
    if design in _AROUND:
        found = largest.largest_differences(measure, baseline)
    else:
        grid = factorial.grid_of(measure.seedless) if design == "factorial" else None
        if grid is None:
            found = ped_anova(measure, seed=seed)
        else:
            found = factorial.shares(measure, grid, seed=seed)
    found["other"] = none_for_na(found[["other"]])["other"]
    found["alone"] = found["other"].isna()
    found = found.sort_values(["alone", "value"], ascending=False, kind="stable")
    return found.drop(columns="alone").reset_index(drop=True)


def study_importance(study: Results, metric: str | None = None) -> pd.DataFrame:
    """How much each axis of a study matters, each number with its 95 % interval.

    Args:
        study: the study.
        metric: an average over pairs; the study's own by default. See `study.space.metric`.

    Returns:
        See `importance`: the meaning of the numbers depends on the design.

    Raises:
        SD4MatchError: no such metric, or too little is measured.
    """
    return importance(
        study.cells,
        study.samples,
        design=study.folder.facts["design"],
        metric=metric or study.usual_metric,
        baseline=study.baseline,
    )


def ped_anova(measure: Measure, *, seed: int) -> pd.DataFrame:
    """How much each axis decides whether a configuration is among the best tenth.

    Optuna's PED-ANOVA (Watanabe, Bansal and Hutter 2023) over all measured configurations; an axis
    that does not apply to some of them counts as conditional. Intervals come from `RESAMPLES`
    resamples of trials: points of the paid axes, each with its whole free grid.

    Args:
        measure: what is maximized.
        seed: of the draws.

    Returns:
        `COLUMNS`, one row per axis; values in [0, 1] that sum to 1.

    Raises:
        SD4MatchError: fewer configurations than twice `_TOP` were measured, or no axis varies.
    """
    if len(measure.seeds) < 2 * _TOP:
        raise SD4MatchError(
            f"importance by {measure.metric}: {len(measure.seeds)} configurations are measured;"
            f" PED-ANOVA needs {2 * _TOP}"
        )
    trials = _trials(measure)
    parameters = list(dict.fromkeys(name for group in trials for t in group for name in t.params))
    if not parameters:
        raise SD4MatchError(f"importance by {measure.metric}: no axis varies")
    study, rng = _Given(), np.random.default_rng(seed)
    value = _shares(study, trials, parameters)
    drawn = [
        _shares(study, [trials[k] for k in places], parameters)
        for places in rng.integers(0, len(trials), (RESAMPLES, len(trials)))
    ]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "axis": [name.removesuffix(" (rank)") for name in parameters],
            "other": None,
            "kind": SEARCH,
            "value": value,
            "low": np.minimum(low, value),
            "high": np.maximum(high, value),
        },
        columns=COLUMNS,
    )


def _trials(measure: Measure) -> list[list[FrozenTrial]]:
    """Every configuration as a complete trial, by the point of the paid axes."""
    settings = measure.seedless
    rows = list(settings.values())
    dimensions = []
    for axis in rows[0]:
        values = dict.fromkeys(row[axis] for row in rows if row[axis] is not None)
        if len(values) > 1:
            dimensions.append(Dimension.of(axis, values))
    groups: dict[tuple[object, ...], list[FrozenTrial]] = defaultdict(list)
    for number, (name, row) in enumerate(settings.items()):
        meant = [dimension for dimension in dimensions if row[dimension.axis] is not None]
        trial = FrozenTrial(
            number=number,
            trial_id=number,
            state=TrialState.COMPLETE,
            value=float(measure.values[list(measure.seeds[name].values())].mean()),
            datetime_start=None,
            datetime_complete=None,
            params={d.parameter: d.encode(row[d.axis]) for d in meant},
            distributions={d.parameter: d.distribution for d in meant},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )
        paid = tuple(value for axis, value in row.items() if AXES[axis].cost != "free")
        groups[paid].append(trial)
    return list(groups.values())


class _Given(optuna.Study):
    """An Optuna study with given trials, which may repeat."""

    def __init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        made = optuna.create_study(direction="maximize")
        super().__init__(made.study_name, made._storage)
        self.given: list[FrozenTrial] = []

    def get_trials(self, *_: object, **__: object) -> list[FrozenTrial]:
        return self.given


def _shares(
    study: _Given, groups: Sequence[Sequence[FrozenTrial]], parameters: Sequence[str]
) -> list[float]:
    study.given = [trial for group in groups for trial in group]
    quantile = min(max(0.1, _TOP / len(study.given)), 0.5)  # resamples may be shorter
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample may have few trials where an axis applies
        found = get_param_importances(
            study, evaluator=PedAnovaImportanceEvaluator(target_quantile=quantile)
        )
    return [found.get(name, 0.0) for name in parameters]
