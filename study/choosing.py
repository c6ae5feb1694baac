"""Which configurations are best: chosen on validation, alone or against what they cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import duckdb
import pandas as pd

from sd4match.errors import SD4MatchError
from study.axes import AXES, Configuration
from study.comparison import MEASURED, SEED
from study.metric import COST, value

if TYPE_CHECKING:
    from study.folder import StudyFolder

Scores = TypeVar("Scores", "pd.Series[float]", pd.DataFrame)

PCK = "pck"
"""In a list of objectives: the metric that single configurations are chosen by."""


def ranked(cells: pd.DataFrame, *, metric: str, where: str | None = None) -> "pd.Series[float]":
    """The configurations by a metric, the best first; of equals, the first in ``cells``.

    Those that differ in their seed alone are one: see `over_seeds`.

    Args:
        cells: see `study.comparison`.
        metric: see `study.metric.Metric`.
        where: an SQL condition on the axes: ``"prompt = 'single' AND layer < 2"``
            (``"train.layer"`` needs its double quotes).

    Returns:
        The metric by configuration, of those that were measured; the first stands for its seeds.

    Raises:
        SD4MatchError: when nothing was measured, nothing matches, or the condition is no SQL.
    """
    scores = _measured(cells, metric, where)
    return over_seeds(scores, cells).sort_values(ascending=False, kind="stable")


def seeds_of(cells: pd.DataFrame, key: str, *, metric: str, where: str | None = None) -> list[int]:
    """The seeds whose mean a configuration stands for in `ranked` with the same arguments."""
    of = cells.drop_duplicates("configuration").set_index("configuration")[SEED]
    same = representatives(cells, _measured(cells, metric, where).index)
    return sorted(map(int, of[same.index[same == key]]))


def over_seeds(scores: Scores, cells: pd.DataFrame) -> Scores:
    """Configurations that differ in the seed alone as one, with the mean over those measured.

    The best of them would be the luckiest, on the pairs that it is chosen by.

    Args:
        scores: by configuration; NaN where not measured.
        cells: see `study.comparison`.

    Returns:
        The means by the first configuration of each setting, in the order of ``scores``.
    """
    means = scores.groupby(representatives(cells, scores.index), sort=False).mean()
    return means.reindex(scores.index.intersection(means.index))


def representatives(cells: pd.DataFrame, among: "pd.Index[str] | None" = None) -> "pd.Series[str]":
    """Each configuration to the first that equals it in all but the seed.

    Args:
        cells: see `study.comparison`.
        among: the only configurations that count; None for all.
    """
    axes = [str(name) for name in cells.columns if name not in (*MEASURED, SEED)]
    rows = cells.drop_duplicates("configuration").set_index("configuration")[axes]
    rows = rows if among is None else rows[rows.index.isin(among)]
    keys = rows.index.to_series()
    return keys.groupby([rows[axis] for axis in axes], dropna=False).transform("first")


def _measured(cells: pd.DataFrame, metric: str, where: str | None) -> "pd.Series[float]":
    """A metric of the configurations that meet a condition and were measured."""
    scores = value(cells, metric)
    if where is not None:
        scores = scores[scores.index.isin(matching(cells, where))]
    if scores.isna().all():
        raise SD4MatchError(f"{metric} is not measured yet for any configuration asked for")
    return scores.dropna()


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

    Those that differ in their seed alone are one: see `over_seeds`.

    Args:
        folder: of the study; says how to plan, where cost is an objective.
        cells: see `study.comparison`.
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
    )
    found = over_seeds(found.loc[list(chosen)].dropna(), cells)
    front = Objectives(objectives[0], tuple(objectives)).pareto(
        Row(configuration, row[0], tuple(row))
        for configuration, row in zip(
            _configurations(cells, found.index),
            found.itertuples(index=False, name=None),
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
