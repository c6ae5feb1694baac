"""What a search maximises or minimises, and how measured configurations compare by it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import ge
from statistics import fmean
from typing import TYPE_CHECKING, Any

from study.analysis.measuring import measure
from study.analysis.rows import value
from study.plan import index
from study.plan.plan import Plan
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.metric import COST, MEAN, Rule, selecting
from study.space.search_settings import Direction
from study.store.store import Store

if TYPE_CHECKING:
    from study.space.space import Space


@dataclass(frozen=True)
class Row:
    """One measured configuration.

    Attributes:
        chosen_by: the metric that single configurations are chosen by.
        values: one an objective.
    """

    configuration: Configuration
    chosen_by: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Objectives:
    """The objectives of a search.

    Attributes:
        metric: chooses the free setting of a trial and the best configuration; on validation.
        names: metrics, and ``cost``.
    """

    metric: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, space: "Space") -> "Objectives":
        """The objectives of a space: its own, or the one metric that it chooses by."""
        assert space.metric is not None  # the search checks it
        return cls(space.metric, tuple(space.file.search.objectives) or (space.metric,))

    @property
    def directions(self) -> Mapping[str, Direction]:
        """Objective to ``maximize`` or ``minimize``."""
        return {name: "minimize" if name == COST else "maximize" for name in self.names}

    def datasets(self, evaluated: Iterable[str]) -> tuple[str, ...]:
        """Those of the evaluated data sets that must be measured on validation."""
        named = {selecting(name).dataset for name in (self.metric, *self.names) if name != COST}
        return tuple(name for name in evaluated if name in named or MEAN in named)

    def rows(self, plan: Plan, store: Store, rule: Rule) -> list[Row]:
        """The configurations of a plan that the store answers on every objective, in order."""
        if not plan.cells:
            return []
        asked = index.frame(index.table(plan))
        measured = measure(asked, store, rule)
        columns: dict[str, Mapping[Any, float]] = {
            name: value(measured, selecting(name)).to_dict()
            for name in dict.fromkeys((self.metric, *self.names))
            if name != COST
        }
        if COST in self.names:
            columns[COST] = asked.groupby("configuration")[index.COST].first().to_dict()
        found = []
        for configuration in plan.by_configuration:
            values = {name: float(column[configuration.key]) for name, column in columns.items()}
            if all(number == number for number in values.values()):  # NaN: not measured
                own = tuple(values[name] for name in self.names)
                found.append(Row(configuration, values[self.metric], own))
        return found

    def best(self, rows: Iterable[Row]) -> Row | None:
        """The row with the highest metric, the first of equals."""
        return max(rows, key=lambda row: row.chosen_by, default=None)

    def pareto(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that no other is at least as good as in everything; of equals, the first."""
        signs = [-1 if direction == "minimize" else 1 for direction in self.directions.values()]

        def gains(row: Row) -> tuple[float, ...]:
            return tuple(sign * number for sign, number in zip(signs, row.values, strict=True))

        front: list[tuple[tuple[float, ...], Row]] = []
        # From the best first value down, a row can only be dominated by one that came before.
        for row in sorted(rows, key=gains, reverse=True):
            mine = gains(row)
            if not any(all(map(ge, theirs, mine)) for theirs, _ in front):
                front.append((mine, row))
        return [row for _, row in front]


def over_seeds(rows: Iterable[Row]) -> list[Row]:
    """Rows that differ in the seed alone as one, the first, with their means.

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
