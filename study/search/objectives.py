"""The objectives of a search: what it maximizes or minimizes, and which configurations are best."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from study.analysis.choosing import pareto_front
from study.analysis.measuring import measure
from study.analysis.rows import over_seeds, value
from study.plan import index
from study.plan.plan import Plan
from study.space.configuration import Configuration
from study.space.metric import COST, MEAN, Rule, selecting
from study.space.search_settings import Direction
from study.space.space import Space
from study.store.store import Store


@dataclass(frozen=True)
class Row:
    """One measured setting: means over its seeds.

    Attributes:
        configuration: what was measured, with its first seed.
        chosen_by: the metric that single configurations are chosen by.
        values: one for each objective.
    """

    configuration: Configuration
    chosen_by: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Objectives:
    """The objectives of a search.

    Attributes:
        metric: chooses the readout setting of a trial and the best configuration; on validation.
        names: metrics, and ``cost``.
    """

    metric: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, space: Space) -> "Objectives":
        """The objectives of a space: those of its file, or the one metric that it chooses by."""
        assert space.metric is not None  # the search checks it
        return cls(space.metric, tuple(space.file.search.objectives) or (space.metric,))

    @property
    def directions(self) -> Mapping[str, Direction]:
        """Objective -> ``maximize`` or ``minimize``."""
        return {name: "minimize" if name == COST else "maximize" for name in self.names}

    def datasets(self, evaluated: Iterable[str]) -> tuple[str, ...]:
        """Those of the evaluated data sets that must be measured on validation."""
        named = {selecting(name).dataset for name in (self.metric, *self.names) if name != COST}
        return tuple(name for name in evaluated if name in named or MEAN in named)

    def rows(self, plan: Plan, store: Store, rule: Rule) -> list[Row]:
        """The settings of a plan that are measured on every objective, as means over seeds.

        The best single seed would be the luckiest (`study.analysis.rows.over_seeds`).

        Args:
            plan: which configurations.
            store: holds the predictions.
            rule: how they are scored.

        Returns:
            A row for each setting, in the order of the plan.
        """
        if not plan.cells:
            return []
        planned = index.frame(index.table(plan))
        measured = measure(planned, store, rule)
        by_key = {configuration.key: configuration for configuration in plan.by_configuration}
        scores = pd.DataFrame(index=pd.Index(by_key, name="configuration"))
        for name in dict.fromkeys((self.metric, *self.names)):
            if name == COST:
                scores[name] = planned.groupby("configuration")[index.TFLOP].first()
            else:
                scores[name] = value(measured, selecting(name))
        return [
            Row(by_key[str(key)], row[self.metric], tuple(row[name] for name in self.names))
            for key, row in over_seeds(scores, measured).dropna().to_dict("index").items()
        ]

    def best(self, rows: Iterable[Row]) -> Row | None:
        """The row with the highest metric, the first of equals; None without rows."""
        return max(rows, key=lambda row: row.chosen_by, default=None)

    def pareto(self, rows: Iterable[Row]) -> list[Row]:
        """The Pareto front: the rows that no other is at least as good as in everything.

        Args:
            rows: measured configurations.

        Returns:
            Of equal rows the first only; the best in the first objective comes first.
        """
        given = list(rows)
        if not given:
            return []
        maximize = [direction == "maximize" for direction in self.directions.values()]
        values = np.array([row.values for row in given])
        return [given[place] for place in pareto_front(values, maximize)]


def hypervolumes(
    fronts: Sequence[Sequence[Sequence[float]]], directions: Mapping[str, Direction]
) -> list[float]:
    """How much of what is possible the Pareto fronts of the trials so far dominate.

    The share of the box between the best imaginable (PCK 1, cost 0) and a reference: PCK 0, and
    1.1 times the highest cost of all these fronts, so that the most expensive point counts too.

    Args:
        fronts: of each trial in order: the values of its points; empty without a result.
        directions: objective -> ``maximize`` or ``minimize``.

    Returns:
        In [0, 1], after each trial.
    """
    # Optuna has no public function for it; tests/study/search/test_objectives.py has the values.
    from optuna._hypervolume import compute_hypervolume

    points = [np.reshape(front, (-1, len(directions))).astype(float) for front in fronts]
    every = np.concatenate(points) if points else np.empty((0, len(directions)))
    losses = []
    for column, direction in enumerate(directions.values()):
        if direction == "maximize":
            losses.append(1 - every[:, column])
        else:
            losses.append(every[:, column] / (1.1 * every[:, column].max(initial=1e-300)))
    loss, reference = np.stack(losses, axis=1), np.ones(len(directions))
    ends = np.cumsum([len(front) for front in points])
    return [float(compute_hypervolume(loss[:end], reference)) if end else 0.0 for end in ends]
