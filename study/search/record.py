"""The record of a search: an Optuna study on disk, that `optuna-dashboard` opens while it runs."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.engine.faults import Fault
from study.search.proposals import Proposals, Told
from study.space.axes import AXES, Value
from study.space.search_settings import Direction, Point
from study.space.space import Space
from study.store.study_folder import StudyFolder

WARM = "warm_start"
"""Attribute of trials that an earlier study measured: its name."""
STOPPED = "stopped"
"""Attribute of trials that were stopped early: why."""


class Record:
    """One Optuna study in a journal file or a database; made when missing.

    Nothing is ever changed in it: a trial is added when it is proposed and told once. What was
    told in an earlier launch is read from here.

    Args:
        storage: a journal file, or the URL of a database (``sqlite:///search.db``).
        name: of the Optuna study.
        objectives: name of each, to ``maximize`` or ``minimize``.

    Raises:
        SD4MatchError: it cannot be opened, or is no record of this search.
    """

    def __init__(self, storage: str, name: str, objectives: Mapping[str, Direction]) -> None:
        self.storage, self.name = storage, name
        try:
            self._storage = open_storage(storage)
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
        except Exception as error:  # of the file system, a database driver, or Optuna's JSON
            said = " ".join(str(error).split()) or type(error).__name__
            raise SD4MatchError(
                f"search.storage {storage}: cannot be opened: {said}: name another, or remove it"
            ) from error

    def know(self, trial: FrozenTrial, study: str) -> None:
        """Add a trial that an earlier study measured."""
        trial.set_user_attr(WARM, study)
        self._study.add_trial(trial)
        self.trials = self._study.get_trials()

    def propose(
        self,
        number: int,
        parameters: Mapping[str, Any],
        distributions: Mapping[str, BaseDistribution],
        settings: Mapping[str, Any],
    ) -> None:
        """Add a proposal as a running trial, if it is not there from an earlier launch.

        Raises:
            SD4MatchError: another proposal is there; the sampler computes otherwise here.
        """
        if number < len(self.trials):
            if self.trials[number].params != parameters:
                raise SD4MatchError(
                    f"search.storage {self.storage}: trial {number} of {self.name} was proposed "
                    "otherwise on another machine: continue there, or give another search.seed"
                )
            return
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=dict(parameters),
                distributions=dict(distributions),
                user_attrs=dict(settings),
            )
        )
        self.trials = self._study.get_trials()

    def stopped(self, parameters: Mapping[str, Any]) -> str | None:
        """Why a point was stopped early, if it was."""
        for trial in self.trials:
            if trial.state == TrialState.PRUNED and trial.params == parameters:
                return str(trial.user_attrs.get(STOPPED, "stopped early"))
        return None

    def told(self, number: int) -> Told | None:
        """What was told of a trial; None while it runs."""
        trial = self.trials[number]
        if not trial.state.is_finished():
            return None
        return Told(trial.state, None if trial.values is None else tuple(trial.values))

    def tell(self, number: int, told: Told, notes: Mapping[str, Any]) -> None:
        """Tell what became of a running trial, with notes for people."""
        study = self._storage.get_study_id_from_name(self.name)
        trial = self._storage.get_trial_id_from_study_id_trial_number(study, number)
        for name, note in notes.items():
            self._storage.set_trial_user_attr(trial, name, note)
        self._study.tell(number, told.values, told.state)
        self.trials = self._study.get_trials()

    def close(self) -> None:
        """Give up what an earlier, longer launch left running: nobody computes it."""
        for trial in self.trials:
            if not trial.state.is_finished():
                self.tell(trial.number, Told(TrialState.FAIL), {})


def open_storage(storage: str) -> BaseStorage:
    """Open a journal file, made when missing, or the URL of a database."""
    if "://" in storage:
        return RDBStorage(storage)
    Path(storage).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(storage))


@dataclass
class Endings:
    """Early endings of one launch.

    Attributes:
        stopped: key of each tuning that was stopped early to why, for people.
        spared: keys of tune stages that must not be stopped.
        errors: id of each trial that ended with an error to its fault and the reason, for people.
    """

    stopped: dict[str, str] = field(default_factory=dict)
    spared: set[str] = field(default_factory=set)
    errors: dict[str, tuple[Fault, str]] = field(default_factory=dict)

    def spare(self, tunes: Iterable[str]) -> None:
        """Let these tunings run to their end, whatever they promise; stopped ones go on."""
        for key in tunes:
            self.spared.add(key)
            self.stopped.pop(key, None)


def known_points(space: Space, proposals: Proposals) -> Iterator[tuple[str, Point]]:
    """The points of a search that the studies of ``search.warm_start`` lie on, each once.

    They may have measured them at another setting of what is no axis here: the store, whose keys
    hold every setting, says whether it answers.

    Yields:
        The study's name and the point.

    Raises:
        SD4MatchError: there is no such study in ``results``.
    """
    seen: set[tuple[tuple[str, Value], ...]] = set()
    for name in space.file.search.warm_start:
        index = StudyFolder.open(StudyFolder.of(space).path.parent / name).read_plan()
        for _, row in index.drop_duplicates("configuration").iterrows():
            point = proposals.read({axis: _plain(row[axis]) for axis in AXES})
            if point is not None and tuple(point.items()) not in seen:
                seen.add(tuple(point.items()))
                yield name, point


def _plain(cell: Any) -> Value:
    """A table's cell as an axis' value."""
    if pd.isna(cell):
        return None
    value: Value = cell.item() if hasattr(cell, "item") else cell
    return value


JOURNAL = "optuna.journal"


def read(study: Results) -> tuple[pd.DataFrame, dict[str, str]]:
    """The trials of a study's search, finished or running, as `history` takes them.

    Raises:
        SD4MatchError: the record cannot be read.
    """
    import optuna  # a second; reading other answers does without

    told = study.folder.read_search() or {}
    # A study's own journal is beside it, wherever the folder is now.
    where = str(_journal(study)) if _journal(study).exists() else str(told["storage"])
    if "://" not in where and not Path(where).exists():
        raise SD4MatchError(f"history: the search's record {where} is gone")
    try:
        storage = open_storage(where)
        name = told.get("optuna_study") or optuna.get_all_study_names(storage)[-1]
        record = optuna.load_study(study_name=name, storage=storage)
        trials = record.get_trials(deepcopy=False)
    except Exception as error:  # of the file system, a database driver, or Optuna's JSON
        said = " ".join(str(error).split()) or type(error).__name__
        raise SD4MatchError(f"history: the search's record cannot be read: {said}") from error
    directions = [direction.name.lower() for direction in record.directions]
    names = record.metric_names or [f"objective {i + 1}" for i in range(len(directions))]
    rows = [
        {"state": trial.state.name, "warm": WARM in trial.user_attrs}
        | dict(zip(names, trial.values or [np.nan] * len(names), strict=True))
        for trial in trials
    ]
    frame = pd.DataFrame(rows, columns=["state", "warm", *names])
    return frame, dict(zip(names, directions, strict=True))


def _journal(study: Results) -> Path:
    return study.folder.path / JOURNAL
