"""The record of a search: an Optuna study on disk, warm starts, and which tunings stopped early.

`optuna-dashboard` opens the record while the search runs.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.analysis.rows import none_for_na
from study.search.journal import (
    JOURNAL,
    announced,
    file_of,
    open_storage,
    repair,
    resolved,
)
from study.search.objectives import hypervolumes
from study.search.proposals import Proposals, TrialResult
from study.space.axes import AXES, Value
from study.space.search_settings import Direction, Point
from study.space.space import Space
from study.store.study_folder import StudyFolder

WARM = "warm_start"
"""Attribute of trials that an earlier study measured: its name."""
STOPPED = "stopped"
"""Attribute of trials that were stopped early: the reason."""
FRONT = "front"
"""Attribute of trials with several objectives: the other points of their Pareto front."""
HYPERVOLUME = "hypervolume"
"""Column of `read` with several objectives: see `study.search.objectives.hypervolumes`."""


class Record:
    """One Optuna study in a journal file or a database; made when missing.

    Nothing in it is ever changed: a trial is added when it is proposed, and its result once. The
    results of an earlier launch are read from here.

    Args:
        storage: a journal file, or the URL of a database (``sqlite:///search.db``); a damaged
            journal is repaired.
        name: of the Optuna study.
        objectives: name of each, to ``maximize`` or ``minimize``.

    Raises:
        SD4MatchError: it cannot be opened, or is no record of this search.
    """

    def __init__(self, storage: str, name: str, objectives: Mapping[str, Direction]) -> None:
        self.storage, self.name = storage, name
        with self._errors("cannot be opened"):
            self.storage = resolved(storage, Path())
            if "://" not in self.storage:
                repair(Path(self.storage))
            self._storage = open_storage(self.storage)
            self._study = optuna.create_study(
                storage=self._storage,
                study_name=name,
                directions=list(objectives.values()),
                load_if_exists=True,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                self._study.set_metric_names(list(objectives))
            self.trials = self._study.get_trials()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Name the storage if it fails, and if it lets wait."""
        try:
            with announced(f"search.storage {self.storage}"):
                yield
        except SD4MatchError:
            raise
        except Exception as error:  # of the file system, a database driver, or Optuna's JSON
            raise SD4MatchError(
                f"search.storage {self.storage}: {what}: {_one_line(error)}: name another, or "
                "remove it: the store keeps all measurements"
            ) from error

    def know(self, trial: FrozenTrial, study: str, result: TrialResult) -> None:
        """Add a trial that an earlier study measured.

        Args:
            trial: with its values.
            study: name of the earlier study.
            result: the same values, and the rest of its front.
        """
        trial.set_user_attr(WARM, study)
        if result.others:
            trial.set_user_attr(FRONT, result.others)
        with self._errors("cannot be written"):
            self._study.add_trial(trial)
            self.trials = self._study.get_trials()

    def propose(
        self,
        number: int,
        parameters: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        settings: Mapping[str, Any],
    ) -> None:
        """Add a proposal as a running trial, unless an earlier launch did.

        Args:
            number: of the trial.
            parameters, distributions: in Optuna's terms.
            settings: the same for people.

        Raises:
            SD4MatchError: another proposal has that number; the sampler computes differently here.
        """
        if number < len(self.trials):
            if self.trials[number].params != parameters:
                raise SD4MatchError(
                    f"search.storage {self.storage}: another machine proposed another trial "
                    f"{number} of {self.name}: continue there, or give another search.seed"
                )
            return
        trial = create_trial(
            state=TrialState.RUNNING,
            params=dict(parameters),
            distributions=dict(distributions),
            user_attrs=dict(settings),
        )
        with self._errors("cannot be written"):
            self._study.add_trial(trial)
            self.trials = self._study.get_trials()

    def stopped(self, parameters: Mapping[str, Any]) -> str | None:
        """Why a point was stopped early; None if it was not.

        Args:
            parameters: of the point, in Optuna's terms.
        """
        for trial in self.trials:
            if trial.state == TrialState.PRUNED and trial.params == parameters:
                return str(trial.user_attrs.get(STOPPED, "stopped early"))
        return None

    def result(self, number: int) -> TrialResult | None:
        """The result of a trial; None while it runs.

        Args:
            number: of the trial.
        """
        trial = self.trials[number]
        return _result(trial) if trial.state.is_finished() else None

    def tell(self, number: int, result: TrialResult, notes: Mapping[str, Any]) -> None:
        """Add the result of a running trial.

        Args:
            number: of the trial.
            result: what became of it.
            notes: for people.
        """
        front = {FRONT: result.others} if result.others else {}
        with self._errors("cannot be written"):
            study = self._storage.get_study_id_from_name(self.name)
            trial = self._storage.get_trial_id_from_study_id_trial_number(study, number)
            for name, note in {**notes, **front}.items():
                self._storage.set_trial_user_attr(trial, name, note)
            self._study.tell(number, result.values, result.state)
            self.trials = self._study.get_trials()

    def close(self) -> None:
        """Mark trials that an earlier, longer launch left running as failed: none computes them."""
        for trial in self.trials:
            if not trial.state.is_finished():
                self.tell(trial.number, TrialResult(TrialState.FAIL), {})


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
            f"history: the search's record {place} cannot be read: {_one_line(error)}: launch the "
            "study, and it is repaired"
        ) from error
    names = record.metric_names or [f"objective {i + 1}" for i in range(len(record.directions))]
    directions: dict[str, Direction] = {
        name: "maximize" if direction == StudyDirection.MAXIMIZE else "minimize"
        for name, direction in zip(names, record.directions, strict=True)
    }
    return _frame([_Trial.of(trial) for trial in trials], directions), directions


def kept(record: Record) -> list[dict[str, Any]]:
    """The trials of a record for ``search.json``, where the record is not in the results folder.

    Only a launch opens a database or a file elsewhere: questions about a study follow no address
    that its folder names (docs/explanation/security.md).

    Args:
        record: of the search.
    """
    return [asdict(_Trial.of(trial)) for trial in record.trials]


@dataclass(frozen=True)
class _Trial:
    """What figures show of a trial."""

    state: str
    warm: bool
    values: tuple[float, ...] | None
    others: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, trial: FrozenTrial) -> "_Trial":
        result = _result(trial)
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


def _result(trial: FrozenTrial) -> TrialResult:
    values = None if trial.values is None else tuple(trial.values)
    return TrialResult(trial.state, values, tuple(map(tuple, trial.user_attrs.get(FRONT, ()))))


def _one_line(error: Exception) -> str:
    if isinstance(error, StorageInternalError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # the database's reason: Optuna's is a guess
    return next(iter(str(error).splitlines()), "") or type(error).__name__


@dataclass
class Endings:
    """Tunings that were stopped early in one launch, and those that must not be.

    Attributes:
        stopped: key of each tuning that was stopped early -> the reason, for people.
        spared: keys of tune stages that must not be stopped.
    """

    stopped: dict[str, str] = field(default_factory=dict)
    spared: set[str] = field(default_factory=set)

    def spare(self, tunes: Iterable[str]) -> None:
        """Let tunings run to their end whatever their scores; stopped ones continue.

        Args:
            tunes: keys of tune stages.
        """
        for key in tunes:
            self.spared.add(key)
            self.stopped.pop(key, None)


def known_points(space: Space, proposals: Proposals) -> Iterator[tuple[str, Point]]:
    """The points of a search that the studies of ``search.warm_start`` planned, each once.

    Those studies may have measured them at another setting of what is no axis here. The store,
    whose keys hold every setting, decides whether it has the results.

    Args:
        space: with ``design: search``.
        proposals: of the search.

    Yields:
        The study's name and the point.

    Raises:
        SD4MatchError: there is no such study in ``results``.
    """
    seen: set[tuple[tuple[str, Value], ...]] = set()
    for name in space.file.search.warm_start:
        index = StudyFolder.open(StudyFolder.of(space).path.parent / name).read_plan()
        distinct = none_for_na(index.drop_duplicates("configuration")[list(AXES)])
        for values in distinct.itertuples(index=False, name=None):
            point = proposals.read(dict(zip(AXES, values, strict=True)))
            if point is not None and tuple(point.items()) not in seen:
                seen.add(tuple(point.items()))
                yield name, point
