"""The best configurations: chosen on validation, by one metric or by several objectives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.analysis.rows import matching, none_for_na, over_seeds, representatives, value
from study.plan.index import TFLOP
from study.space.axes import SEED
from study.space.metric import COST, selecting

PCK = "pck"
"""In a list of objectives: the metric that single configurations are chosen by."""


def top(
    study: Results,
    metric: str | None = None,
    *,
    where: str | None = None,
    number: int | None = None,
) -> pd.DataFrame:
    """The configurations that were measured, the best first.

    Args:
        study: the study.
        metric: ``data set/split/measure``; the study's own by default. See `study.space.metric`.
        where: an SQL condition on the axes, for example ``prompt = 'text' AND layer < 2``.
        number: how many; None for all.

    Returns:
        One row per configuration, by its key: the axes' values (None where an axis does not apply),
        and ``metric`` in the last column.

    Raises:
        SD4MatchError: the metric is unknown, not on validation, or was not measured.
    """
    wanted = str(selecting(metric or chosen_by(study)))
    scores = ranked(study.cells, metric=wanted, where=where)[:number]
    rows = none_for_na(study.configurations().loc[scores.index])
    return rows.assign(**{wanted: scores})


def best(
    study: Results, metric: str | None = None, *, where: str | None = None
) -> "pd.Series[Any]":
    """The best configuration: the first row of `top`, with the same arguments."""
    return top(study, metric, where=where, number=1).iloc[0]


def chosen_by(study: Results) -> str:
    """The metric that chooses a study's configurations.

    Raises:
        SD4MatchError: the study has no validation split.
    """
    if study.metric is None:
        raise SD4MatchError(
            f"study {study.name} has no data set with a validation split: nothing to choose by"
        )
    return study.metric


def ranked(cells: pd.DataFrame, *, metric: str, where: str | None = None) -> "pd.Series[float]":
    """The configurations by a metric, the best first; of equals, the first in ``cells``.

    Configurations that differ in the seed alone count as one: see `study.analysis.rows.over_seeds`.

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
    seeds = cells.drop_duplicates("configuration").set_index("configuration")[SEED]
    same = representatives(cells, _measured(cells, metric, where).index)
    return sorted(map(int, seeds[same.index[same == key]]))


def _measured(cells: pd.DataFrame, metric: str, where: str | None) -> "pd.Series[float]":
    """A metric of the configurations that meet a condition and were measured."""
    scores = value(cells, metric)
    if where is not None:
        scores = scores[scores.index.isin(matching(cells, where))]
    if scores.isna().all():
        raise SD4MatchError(f"{metric} is not measured yet for any configuration asked for")
    return scores.dropna()


def pareto(
    study: Results, objectives: Sequence[str] = (), *, where: str | None = None
) -> pd.DataFrame | None:
    """The configurations that no other is at least as good as in every objective.

    Configurations that differ in the seed alone count as one: see `study.analysis.rows.over_seeds`.

    Args:
        study: the study.
        objectives: metrics on validation, ``pck`` for the study's own, and ``cost``: planned TFLOP
            an image. None: what a search with several objectives chose.
        where: an SQL condition on the axes; only with ``objectives``.

    Returns:
        One row per configuration, by its key, the best in the first objective first, and one column
        per objective; None without ``objectives`` where no search had several.

    Raises:
        SD4MatchError: an objective is unknown, not on validation, or was not measured.
    """
    if not objectives:
        return _chosen_by_search(study)
    names = [chosen_by(study) if name == PCK else name for name in objectives]
    names = list(dict.fromkeys(n if n == COST else str(selecting(n)) for n in names))
    found = pd.DataFrame({n: costs(study) if n == COST else value(study.cells, n) for n in names})
    if where is not None:
        found = found.loc[matching(study.cells, where)]
    found = over_seeds(found.dropna(), study.cells)
    maximize = [name != COST for name in names]
    front = pareto_front(found.to_numpy(dtype=float), maximize)
    return found.iloc[front].rename_axis("configuration")


def _chosen_by_search(study: Results) -> pd.DataFrame | None:
    found = study.folder.read_search()
    if found is None or len(found["objectives"]) < 2:
        return None
    chosen = pd.DataFrame.from_dict(
        found["chosen"], orient="index", columns=list(found["objectives"])
    )
    return chosen.rename_axis("configuration")


def pareto_front(values: NDArray[np.float64], maximize: Sequence[bool]) -> NDArray[np.intp]:
    """The rows that no other row is at least as good as in every column; of equals, the first.

    Args:
        values: (n, k), without NaN.
        maximize: for each of k columns, whether more is better.

    Returns:
        Places of the rows of the Pareto front: the best in the first column first, of those that
        are equal in it the best in the next one, and so on.
    """
    gains = np.where(np.asarray(maximize, dtype=bool), values, -values)
    front: list[int] = []
    # In falling order of the first column, a row is only dominated by one that came before.
    for row in np.lexsort(-gains.T[::-1]):
        if not (gains[front] >= gains[row]).all(axis=1).any():
            front.append(int(row))
    return np.array(front, dtype=np.intp)


def costs(study: Results) -> "pd.Series[float]":
    """Planned TFLOP per image of every configuration, from the plan's index.

    Raises:
        SD4MatchError: the study was planned before costs were recorded.
    """
    index = study.index.drop_duplicates("configuration").set_index("configuration")
    found: pd.Series[float] = index[TFLOP]
    if found.isna().all():
        raise SD4MatchError(
            f"study {study.name} has no cost on record: launch it again to record it"
        )
    return found.rename(COST)
