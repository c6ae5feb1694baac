"""The objectives of a search: what it maximizes or minimizes, and which configurations are best."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from study.analysis.choosing import pareto_front
from study.analysis.measuring import measure
from study.analysis.rows import value
from study.plan import index
from study.plan.plan import Plan
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.metric import COST, MEAN, Rule, selecting
from study.space.search_settings import Direction
from study.space.space import Space
from study.store.store import Store


@dataclass(frozen=True)
class Row:
    """One measured configuration.

    Attributes:
        configuration: what was measured.
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
        """The configurations of a plan that are measured on every objective.

        Args:
            plan: which configurations.
            store: holds the predictions.
            rule: how they are scored.

        Returns:
            A row each, in the order of the plan.
        """
        if not plan.cells:
            return []
        planned = index.frame(index.table(plan))
        measured = measure(planned, store, rule)
        columns: dict[str, Mapping[Any, float]] = {
            name: value(measured, selecting(name)).to_dict()
            for name in dict.fromkeys((self.metric, *self.names))
            if name != COST
        }
        if COST in self.names:
            columns[COST] = planned.groupby("configuration")[index.TFLOP].first().to_dict()
        found = []
        for configuration in plan.by_configuration:
            values = {name: float(column[configuration.key]) for name, column in columns.items()}
            if all(number == number for number in values.values()):  # NaN: not measured
                own = tuple(values[name] for name in self.names)
                found.append(Row(configuration, values[self.metric], own))
        return found

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


def over_seeds(rows: Iterable[Row]) -> list[Row]:
    """Rows that differ in the seed alone as one: the first, with their means.

    As `study.analysis.rows.over_seeds`: the best of them would be the luckiest.
    """
    settings: dict[tuple[Value, ...], list[Row]] = {}
    for row in rows:
        settings.setdefault(row.configuration.unseeded, []).append(row)
    return [
        Row(
            several[0].configuration,
            fmean(row.chosen_by for row in several),
            tuple(map(fmean, zip(*(row.values for row in several), strict=True))),
        )
        for several in settings.values()
    ]
