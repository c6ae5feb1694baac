"""Which configurations are best: chosen on validation, alone or against what they cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sd4match.errors import SD4MatchError
from study.analysis.rows import SEED, matching, over_seeds, representatives, value
from study.space.axes import AXES
from study.space.configuration import Configuration
from study.space.metric import COST

if TYPE_CHECKING:
    from study.store.study_folder import StudyFolder

PCK = "pck"
"""In a list of objectives: the metric that single configurations are chosen by."""


def ranked(cells: pd.DataFrame, *, metric: str, where: str | None = None) -> "pd.Series[float]":
    """The configurations by a metric, the best first; of equals, the first in ``cells``.

    Those that differ in their seed alone are one: see `over_seeds`.

    Args:
        cells: see `study.analysis.contrasts`.
        metric: see `study.space.metric.Metric`.
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


def _measured(cells: pd.DataFrame, metric: str, where: str | None) -> "pd.Series[float]":
    """A metric of the configurations that meet a condition and were measured."""
    scores = value(cells, metric)
    if where is not None:
        scores = scores[scores.index.isin(matching(cells, where))]
    if scores.isna().all():
        raise SD4MatchError(f"{metric} is not measured yet for any configuration asked for")
    return scores.dropna()


def pareto(
    folder: "StudyFolder", cells: pd.DataFrame, objectives: Sequence[str], chosen: Sequence[str]
) -> pd.DataFrame:
    """The configurations that no other is at least as good as in every objective.

    Those that differ in their seed alone are one: see `over_seeds`.

    Args:
        folder: of the study; says how to plan, where cost is an objective.
        cells: see `study.analysis.contrasts`.
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
    from study.plan.cost import tflop_per_image
    from study.plan.plan import Planner
    from study.space.reading import load

    planner = Planner(load(str(folder.path / "study.yaml")))
    return pd.Series(tflop_per_image(planner.plan(_configurations(cells))))


def _configurations(
    cells: pd.DataFrame, keys: "pd.Index[str] | None" = None
) -> list[Configuration]:
    unique = cells.drop_duplicates("configuration").set_index("configuration")[list(AXES)]
    rows = unique if keys is None else unique.loc[keys]
    plain = rows.astype(object).where(rows.notna(), None)
    return [Configuration(tuple(row)) for row in plain.itertuples(index=False, name=None)]
