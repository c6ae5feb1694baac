"""The trials of a search as a table: from its record, or from the copy in the study's folder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.search.journal import JOURNAL, file_of, open_storage, resolved
from study.search.objectives import hypervolumes
from study.search.record import WARM, one_line, result_of
from study.space.search_settings import Direction

HYPERVOLUME = "hypervolume"
"""Column of `read` with several objectives: see `study.search.objectives.hypervolumes`."""


def journal_of(study: Results) -> Path:
    """The journal file of a study's search; it need not exist."""
    return study.folder.path / JOURNAL


def read(study: Results) -> tuple[pd.DataFrame, dict[str, Direction]]:
    """The trials of a study's search, finished or running.

    Args:
        study: with ``design: search``.

    Returns:
        One row per trial in order: ``state`` (Optuna's name), ``warm`` (whether an earlier study
        measured it), and a column for each objective, NaN where the trial has no value; with
        several objectives also `HYPERVOLUME` of the fronts so far; and objective -> ``maximize``
        or ``minimize``.

    Raises:
        SD4MatchError: the record cannot be read.
    """
    facts = study.folder.read_search() or {}
    place = str(facts.get("storage", JOURNAL))
    if "trials" in facts:
        return _kept(facts, place)
    # A study's own journal moves with the folder; earlier versions wrote its whole path.
    if Path(place).parts[-2:] == (study.folder.path.name, JOURNAL):
        place = JOURNAL
    place = resolved(place, study.folder.path)
    file = file_of(place)
    if file is None or not file.resolve().is_relative_to(study.folder.path.parent):
        return _kept(facts, place)
    if not file.exists():
        raise SD4MatchError(
            f"history: the search's record {place} is gone: launch the study, and it is made again"
        )
    try:
        storage = open_storage(place)
        name = facts.get("optuna_study") or optuna.get_all_study_names(storage)[-1]
        record = optuna.load_study(study_name=name, storage=storage)
        trials = record.get_trials(deepcopy=False)
    except Exception as error:  # of the file system, a database driver, or Optuna's JSON
        raise SD4MatchError(
            f"history: the search's record {place} cannot be read: {one_line(error)}: launch the "
            "study, and it is repaired"
        ) from error
    names = record.metric_names or [f"objective {i + 1}" for i in range(len(record.directions))]
    directions: dict[str, Direction] = {
        name: "maximize" if direction == StudyDirection.MAXIMIZE else "minimize"
        for name, direction in zip(names, record.directions, strict=True)
    }
    return _frame([_Trial.of(trial) for trial in trials], directions), directions


def kept(trials: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
    """Trials for ``search.json``, where the record is not in the results folder.

    Only a launch opens a database or a file elsewhere: questions about a study follow no address
    that its folder names (docs/explanation/security.md).

    Args:
        trials: of the record.
    """
    return [asdict(_Trial.of(trial)) for trial in trials]


@dataclass(frozen=True)
class _Trial:
    """What figures show of a trial."""

    state: str
    warm: bool
    values: tuple[float, ...] | None
    others: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, trial: FrozenTrial) -> "_Trial":
        result = result_of(trial)
        return cls(trial.state.name, WARM in trial.user_attrs, result.values, result.others)


def _kept(facts: Mapping[str, Any], place: str) -> tuple[pd.DataFrame, dict[str, Direction]]:
    """As `read`, of what `kept` gave."""
    try:
        directions = {str(n): _direction(d) for n, d in facts["objectives"].items()}
        trials = [
            _Trial(
                str(one["state"]),
                bool(one["warm"]),
                None if one["values"] is None else tuple(map(float, one["values"])),
                tuple(tuple(map(float, other)) for other in one["others"]),
            )
            for one in facts["trials"]
        ]
        return _frame(trials, directions), directions
    except (LookupError, TypeError, ValueError, AttributeError):
        raise SD4MatchError(
            f"history: the search's record {place} is not in the folder of results, and the study "
            "keeps no copy: launch the study, and it does"
        ) from None


def _direction(name: object) -> Direction:
    return "minimize" if name == "minimize" else "maximize"


def _frame(trials: Sequence[_Trial], directions: Mapping[str, Direction]) -> pd.DataFrame:
    names = list(directions)
    rows = [
        {"state": trial.state, "warm": trial.warm}
        | dict(zip(names, trial.values or [np.nan] * len(names), strict=True))
        for trial in trials
    ]
    frame = pd.DataFrame(rows, columns=["state", "warm", *names])
    if len(names) > 1:
        fronts = [() if t.values is None else (t.values, *t.others) for t in trials]
        frame[HYPERVOLUME] = hypervolumes(fronts, directions)
    return frame
