"""Importance from a search: PED-ANOVA, which needs no grid."""

import warnings
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import optuna
import pandas as pd
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from sd4match.errors import SD4MatchError
from study.axes import AXES
from study.importance.measure import COLUMNS, SEARCH, Measure
from study.search.proposals import Dimension

RESAMPLES = 200
_TOP = 5  # Optuna's advice: at least so many among the best


def ped_anova(measure: Measure, *, seed: int) -> pd.DataFrame:
    """How much each axis decides whether a configuration is among the best tenth.

    Optuna's PED-ANOVA (Watanabe, Bansal and Hutter 2023) over all measured configurations; an axis
    that means nothing for some of them counts as conditional. Intervals come from `RESAMPLES`
    resamples of trials: points of the paid axes, each with its whole free grid.

    Args:
        measure: what is maximised.
        seed: of the draws.

    Returns:
        `COLUMNS`, one row an axis; values in [0, 1] that sum to 1.

    Raises:
        SD4MatchError: fewer configurations than twice `_TOP` were measured, or no axis varies.
    """
    if len(measure.settings) < 2 * _TOP:
        raise SD4MatchError(
            f"importance by {measure.metric}: {len(measure.settings)} configurations are measured;"
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
    rows = list(measure.settings.values())
    dimensions = []
    for axis in rows[0]:
        values = dict.fromkeys(row[axis] for row in rows if row[axis] is not None)
        if len(values) > 1:
            dimensions.append(Dimension.of(axis, values))
    groups: dict[tuple[object, ...], list[FrozenTrial]] = defaultdict(list)
    for number, (name, row) in enumerate(measure.settings.items()):
        meant = [dimension for dimension in dimensions if row[dimension.axis] is not None]
        trial = FrozenTrial(
            number=number,
            trial_id=number,
            state=TrialState.COMPLETE,
            value=float(measure.values[name]),
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
    """An Optuna study of given trials, which may repeat."""

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
