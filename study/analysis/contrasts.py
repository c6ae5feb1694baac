"""Contrasts: configurations that differ from a baseline in one axis alone.

``cells`` is the frame of results, one row per (configuration, dataset, split, alpha):
``configuration``, the axes by their names (NA where an axis does not apply), and the other columns
of `study.analysis.rows.MEASURED`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sd4match.errors import SD4MatchError, require_known
from study.analysis.rows import by_seed, configurations
from study.space import labels
from study.space.axes import SEED
from study.space.configuration import TIES


@dataclass(frozen=True)
class Row:
    """A row of an ablation: configurations that differ in the seed alone.

    Attributes:
        configuration: the one with the baseline's seed, or else the first.
        value: of the axis.
        label: in words; different for every row.
        by_seed: seed to configuration, ascending.
    """

    configuration: str
    value: labels.Value
    label: str
    by_seed: Mapping[int, str]


def varied(cells: pd.DataFrame, *, baseline: str) -> list[str]:
    """The axes along which at least two values can be compared around the baseline."""
    table = configurations(cells)
    require_known(baseline, table, what="configuration")
    apply = [a for a, value in table[baseline].items() if a != SEED and value is not None]
    return [axis for axis in apply if len(_around(table, axis, baseline)) > 1]


def one_at_a_time(cells: pd.DataFrame, *, axis: str, baseline: str) -> list[Row]:
    """The configurations that equal the baseline in every axis but one, and their other seeds.

    An axis that does not apply to one of the two is not compared: ``prompt = empty`` has no length
    and still differs from a baseline with ``length = 75`` in the prompt alone. When training is
    tied to the evaluation's timestep and layer, the two count as one axis.

    Args:
        cells: see the module.
        axis: the axis that differs.
        baseline: a configuration.

    Returns:
        The baseline and the others: numbers ascend, names keep the order of ``cells``. Where
        several rows have the same value, their labels say in which other axes they differ.

    Raises:
        SD4MatchError: when the axis or baseline is unknown, or there is nothing to compare.
    """
    table = configurations(cells)
    require_known(baseline, table, what="configuration")
    require_known(axis, table[baseline], what="axis")
    if axis == SEED:
        raise SD4MatchError(
            "axis seed: rows are means over the seeds; `study table NAME --rows seed` shows each"
        )
    if table[baseline][axis] is None:
        raise SD4MatchError(
            f"axis {axis} does not apply to the baseline {baseline}"
            f" ({labels.settings(table[baseline])}); choose another baseline"
        )
    seeds = _around(table, axis, baseline)
    if len(seeds) < 2:
        others = ", ".join(varied(cells, baseline=baseline)) or "none"
        raise SD4MatchError(
            f"no configuration differs from the baseline {baseline} in {axis} alone;"
            f" axes that can be compared: {others}"
        )
    names = list(seeds)
    order = list(dict.fromkeys(table[name][axis] for name in names))
    if all(isinstance(value, int | float) for value in order):
        order.sort()
    names.sort(key=lambda name: order.index(table[name][axis]))
    return [
        Row(name, table[name][axis], _label(table, names, name, axis), seeds[name])
        for name in names
    ]


def _around(
    table: Mapping[str, labels.Settings], axis: str, baseline: str
) -> dict[str, dict[int, str]]:
    """The rows along an axis: each row's configuration to its configurations by seed."""
    base = table[baseline]
    fixed = [other for other in base if other not in (axis, tied(table, axis), SEED)]

    def comparable(row: labels.Settings) -> bool:
        pairs = ((row[other], base[other]) for other in fixed)
        return row[axis] is not None and all(a is None or b is None or a == b for a, b in pairs)

    near = [name for name, row in table.items() if comparable(row)]
    return {
        seeds.get(int(base[SEED] or 0), next(iter(seeds.values()))): seeds
        for seeds in by_seed(table, near).values()
    }


def tied(table: Mapping[str, labels.Settings], axis: str) -> str | None:
    """The training axis that always equals this evaluation axis, or the other way round."""
    other = {**TIES, **{train: name for name, train in TIES.items()}}.get(axis)
    both = {(row.get(axis), row.get(other or axis)) for row in table.values()}
    both = {pair for pair in both if None not in pair}
    return other if len(both) > 1 and all(a == b for a, b in both) else None


def around(table: Mapping[str, labels.Settings], *, base: str, free: Collection[str]) -> list[str]:
    """The configurations that equal one in all axes but some.

    As in `one_at_a_time`, an axis that does not apply to one of the two is not compared. Training
    axes that are tied to free ones are free as well.

    Args:
        table: `configurations`.
        base: the configuration to start from.
        free: axes that may differ.

    Returns:
        Their keys, in the order of ``table``.
    """
    loose = {*free, *(other for axis in free if (other := tied(table, axis)))}
    fixed = {axis: value for axis, value in table[base].items() if axis not in loose}
    return [
        name
        for name, row in table.items()
        if all(
            row[axis] is None or value is None or row[axis] == value
            for axis, value in fixed.items()
        )
    ]


def _label(table: Mapping[str, labels.Settings], names: Sequence[str], name: str, axis: str) -> str:
    row = table[name]
    twins = [table[other] for other in names if table[other][axis] == row[axis]]
    apart = {k: v for k, v in row.items() if k != SEED and any(twin[k] != v for twin in twins)}
    return labels.value(row[axis]) + (f" ({labels.settings(apart)})" if apart else "")
