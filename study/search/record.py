"""The record of a search: an Optuna study on disk, warm starts, and which tunings stopped early.

`optuna-dashboard` opens the record while the search runs.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.trial import FrozenTrial, TrialState, create_trial

from sd4match.errors import SD4MatchError
from study.analysis.rows import none_for_na
from study.search.journal import (
    announced,
    open_storage,
    repair,
    resolved,
)
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
                f"search.storage {self.storage}: {what}: {one_line(error)}: name another, or "
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
        return result_of(trial) if trial.state.is_finished() else None

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


def result_of(trial: FrozenTrial) -> TrialResult:
    """The result of a finished trial, with the rest of its front.

    Args:
        trial: of a record.
    """
    values = None if trial.values is None else tuple(trial.values)
    return TrialResult(trial.state, values, tuple(map(tuple, trial.user_attrs.get(FRONT, ()))))


def one_line(error: Exception) -> str:
    """What a storage says of an error, in one line.

    Args:
        error: of the file system, a database driver or Optuna.
    """
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
