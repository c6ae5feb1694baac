"""Which configurations are best: chosen on validation, alone or against what they cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from sd4match.errors import SD4MatchError
from study.ablation import MEASURED
from study.axes import AXES, Configuration
from study.comparison import SEED
from study.metric import COST, value

if TYPE_CHECKING:
    from study.folder import StudyFolder

PCK = "pck"
"""In a list of objectives: the metric that single configurations are chosen by."""


def ranked(cells: pd.DataFrame, *, metric: str, where: str | None = None) -> "pd.Series[float]":
    """The configurations by a metric, the best first; of equals, the first in ``cells``.

    Those that differ in their seed alone are one, with the mean over its seeds: the best of them
    would be the luckiest, on the pairs that it is chosen by.

    Args:
        cells: see `study.ablation`.
        metric: see `study.metric.Metric`.
        where: an SQL condition on the axes: ``"prompt = 'single' AND layer < 2"``
            (``"train.layer"`` needs its double quotes).

    Returns:
        The metric by configuration, of those that were measured; the first stands for its seeds.

    Raises:
        SD4MatchError: when nothing was measured, nothing matches, or the condition is no SQL.
    """
    scores = value(cells, metric)
    if where is not None:
        scores = scores[scores.index.isin(matching(cells, where))]
    if scores.isna().all():
        raise SD4MatchError(f"{metric} is not measured yet for any configuration asked for")
    scores = scores.dropna()
    here = cells[cells["configuration"].isin(scores.index)]
    means = scores.groupby(representatives(here)).mean()
    order = scores.index.intersection(means.index)  # a group-by sorts by keys
    return means.reindex(order).sort_values(ascending=False, kind="stable")


def representatives(cells: pd.DataFrame) -> "pd.Series[str]":
    """Each configuration to the first that equals it in all but the seed."""
    axes = [str(name) for name in cells.columns if name not in (*MEASURED, SEED)]
    rows = cells.drop_duplicates("configuration").set_index("configuration")[axes]
    keys = rows.index.to_series()
    return keys.groupby([rows[axis] for axis in axes], dropna=False).transform("first")


def matching(cells: pd.DataFrame, where: str) -> list[str]:
    """The configurations that meet an SQL condition on the axes.

    Raises:
        SD4MatchError: when the condition is no SQL, or nothing meets it.
    """
    axes = [name for name in cells.columns if name not in MEASURED]
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register(
            "cells", cells.drop_duplicates("configuration")[["configuration", *axes]]
        )
        try:
            # In brackets it stays a condition: no ORDER BY, UNION or second statement.
            asked = f"SELECT configuration FROM cells WHERE ({where}\n)"
            found = connection.execute(asked).fetchall()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise SD4MatchError(f"condition {where!r}: {reason}; axes: {', '.join(axes)}") from None
    if not found:
        raise SD4MatchError(f"no configuration matches {where!r}")
    return [str(name) for (name,) in found]


def pareto(
    folder: "StudyFolder", cells: pd.DataFrame, objectives: Sequence[str], chosen: Sequence[str]
) -> pd.DataFrame:
    """The configurations that no other is at least as good as in every objective.

    Args:
        folder: of the study; says how to plan, where cost is an objective.
        cells: see `study.ablation`.
        objectives: metrics on validation, and ``cost``: planned TFLOP an image.
        chosen: keys of the configurations to choose from.

    Returns:
        A row a configuration by its key, the best in the first objective first; a column an
        objective.

    Raises:
        SD4MatchError: a metric was not measured, or the study cannot be planned any more.
    """
    from study.search.objectives import Objectives, Row

    found = pd.DataFrame(
        {name: costs(folder, cells) if name == COST else value(cells, name) for name in objectives}
    ).loc[list(chosen)]
    front = Objectives(objectives[0], tuple(objectives)).pareto(
        Row(configuration, row[0], tuple(row))
        for configuration, row in zip(
            _configurations(cells, found.dropna().index),
            found.dropna().itertuples(index=False, name=None),
            strict=True,
        )
    )
    return found.loc[[row.configuration.key for row in front]].rename_axis("configuration")


def costs(folder: "StudyFolder", cells: pd.DataFrame) -> "pd.Series[float]":
    """Planned TFLOP an image of every configuration: see `study.search.objectives`.

    Raises:
        SD4MatchError: the study cannot be planned any more.
    """
    # Planning needs torch, and nothing else that is asked of a finished study does.
    from study.plan import Planner
    from study.search.objectives import tflop_per_image
    from study.space import load

    planner = Planner(load(str(folder.path / "study.yaml")))
    return pd.Series(tflop_per_image(planner.plan(_configurations(cells))))


def _configurations(
    cells: pd.DataFrame, keys: "pd.Index[str] | None" = None
) -> list[Configuration]:
    unique = cells.drop_duplicates("configuration").set_index("configuration")[list(AXES)]
    rows = unique if keys is None else unique.loc[keys]
    plain = rows.astype(object).where(rows.notna(), None)
    return [Configuration(tuple(row)) for row in plain.itertuples(index=False, name=None)]
