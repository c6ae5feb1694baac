"""The frame of results: columns, metrics per configuration, conditions, means over seeds."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError
from study.space import labels
from study.space.axes import SEED
from study.space.metric import MEAN, Metric

KEY = ("dataset", "split", "alpha")
_SPLITS = ("test", "val")
FORMULAS = "=+-@\t\r"
"""A text that begins with one of these is a formula to a spreadsheet that opens a CSV file."""


def columns(cells: pd.DataFrame, alphas: Sequence[float] | None) -> list[tuple[str, str, float]]:
    """(dataset, split, alpha) in the order of papers, test before val.

    Args:
        cells: see `study.analysis.contrasts`.
        alphas: thresholds; None for all that were scored.

    Raises:
        SD4MatchError: an alpha that was not scored.
    """
    scored = sorted(map(float, cells["alpha"].unique()))
    wanted = scored if alphas is None else [_scored(alpha, scored) for alpha in alphas]
    known = {name: i for i, name in enumerate(labels.DATASETS)}
    datasets = sorted(cells["dataset"].unique(), key=lambda d: (known.get(d, len(known)), d))
    distinct = cells[["dataset", "split"]].drop_duplicates()
    held = set(distinct.itertuples(index=False, name=None))
    return [(d, s, a) for d in datasets for s in _SPLITS if (d, s) in held for a in wanted]


def _scored(alpha: float, scored: Sequence[float]) -> float:
    for known in scored:
        if np.isclose(alpha, known):
            return known
    raise SD4MatchError(
        f"alpha {alpha:g} was not scored; scored are {', '.join(f'{a:g}' for a in scored)}"
    )


Scores = TypeVar("Scores", "pd.Series[float]", pd.DataFrame)


def over_seeds(scores: Scores, cells: pd.DataFrame) -> Scores:
    """Means over seeds: configurations that differ in the seed alone become one row.

    The best single seed would be a lucky one, on the very pairs that it is chosen by.

    Args:
        scores: by configuration; NaN where not measured.
        cells: see `study.analysis.contrasts`.

    Returns:
        The means by the first configuration of each setting, in the order of ``scores``.
    """
    means = scores.groupby(representatives(cells, scores.index), sort=False).mean()
    return means.reindex(scores.index.intersection(means.index))


def mean_of_seeds(scores: "pd.Series[float]", cells: pd.DataFrame) -> "pd.Series[float]":
    """For every configuration the mean over the measured seeds of its setting.

    Args:
        scores: by configuration, of all in ``cells``; NaN where not measured.
        cells: see `study.analysis.contrasts`.
    """
    return scores.groupby(representatives(cells)).transform("mean")


def representatives(cells: pd.DataFrame, among: "pd.Index[str] | None" = None) -> "pd.Series[str]":
    """Each configuration's representative: the first that equals it in all but the seed.

    Args:
        cells: see `study.analysis.contrasts`.
        among: the configurations to consider; None for all.
    """
    found = {
        key: first
        for first, seeds in by_seed(configurations(cells), among).items()
        for key in seeds.values()
    }
    keys = pd.Index(found, name="configuration")
    return pd.Series(found.values(), keys, dtype=keys.dtype, name="configuration")


def by_seed(
    table: Mapping[str, labels.Settings], among: "Collection[str] | pd.Index[str] | None" = None
) -> dict[str, dict[int, str]]:
    """The configurations of each setting, by seed: those that differ in the seed alone are one.

    Args:
        table: `configurations`.
        among: the configurations to consider; None for all.

    Returns:
        The first configuration of a setting to all of its configurations, seeds ascending.
    """
    wanted = None if among is None else set(among)
    found: dict[tuple[labels.Value, ...], dict[int, str]] = {}
    for key, row in table.items():
        if wanted is None or key in wanted:
            setting = tuple(value for axis, value in row.items() if axis != SEED)
            found.setdefault(setting, {})[int(row.get(SEED) or 0)] = key
    return {next(iter(seeds.values())): dict(sorted(seeds.items())) for seeds in found.values()}


def one_training_seed(cells: pd.DataFrame, keys: Collection[str]) -> bool:
    """Whether what was measured of a learned prompt rests on one training alone.

    Noise seeds do not count: a prompt that is read from files was learned once.

    Args:
        cells: see `study.analysis.contrasts`.
        keys: what is shown; other seeds of these configurations count, where they are measured.
    """
    done = set(cells.loc[cells["status"] == "done", "configuration"].unique().tolist())
    table, shown = configurations(cells), set(keys)
    for seeds in by_seed(table).values():
        some = shown.intersection(seeds.values())
        measured = done.intersection(seeds.values())
        if some and measured:
            row = table[next(iter(some))]
            if row.get("train.data") is not None and (
                len(measured) == 1 or row.get("train.timestep") is None
            ):
                return True
    return False


def matching(cells: pd.DataFrame, where: str) -> list[str]:
    """The configurations that meet an SQL condition on the axes.

    Raises:
        SD4MatchError: when the condition is no SQL, or nothing meets it.
    """
    import duckdb  # only conditions need it

    axes = [name for name in cells.columns if name not in MEASURED]
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register(
            "cells", cells.drop_duplicates("configuration")[["configuration", *axes]]
        )
        try:
            # In brackets it can only be a condition: no ORDER BY, UNION or second statement.
            statement = f"SELECT configuration FROM cells WHERE ({where}\n)"
            found = connection.execute(statement).fetchall()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise SD4MatchError(f"condition {where!r}: {reason}; axes: {', '.join(axes)}") from None
    if not found:
        raise SD4MatchError(f"no configuration matches {where!r}")
    return [str(name) for (name,) in found]


MEASURED = (
    "configuration", "dataset", "split", "alpha",
    "pck", "pck_point", "pairs", "keypoints", "status", "reason",
)  # fmt: skip
"""Columns of ``cells`` that are not axes; PCK is in [0, 1], ``status`` is done or missing."""


def configurations(cells: pd.DataFrame) -> dict[str, labels.Settings]:
    """The axes of each configuration, in the order of ``cells``; None where one does not apply."""
    axes = [str(name) for name in cells.columns if name not in MEASURED]
    frame = cells.drop_duplicates("configuration")
    # Column by column: pandas takes a millisecond for each row of a frame of objects.
    by_axis = (zip(frame[axis].tolist(), frame[axis].isna(), strict=True) for axis in axes)
    values = [[None if missing else value for value, missing in column] for column in by_axis]
    rows = zip(*values, strict=True)
    return {
        str(name): dict(zip(axes, row, strict=True))
        for name, row in zip(frame["configuration"].tolist(), rows, strict=True)
    }


def none_for_na(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of plain Python objects, with None instead of NA and NaN."""
    return frame.astype(object).where(frame.notna(), None)


def value(cells: pd.DataFrame, metric: Metric | str) -> "pd.Series[float]":
    """A metric of every configuration.

    Args:
        cells: one row per (configuration, dataset, split, alpha), see `study.analysis.contrasts`.
        metric: the metric or its name.

    Returns:
        Values in [0, 1] by configuration, in the order of ``cells``; NaN where not measured. A
        mean over data sets is NaN unless all of them were measured: other means would not be
        comparable.

    Raises:
        SD4MatchError: when the metric has no name or the study does not measure it.
    """
    wanted = Metric.parse(metric) if isinstance(metric, str) else metric
    rows = cells[(cells["split"] == wanted.split) & np.isclose(cells["alpha"], wanted.alpha)]
    if wanted.dataset != MEAN:
        rows = rows[rows["dataset"] == wanted.dataset]
    if rows.empty:
        measured = [str(Metric(*key)) for key in _keys(cells)]
        near = difflib.get_close_matches(str(wanted), measured, n=3, cutoff=0.0)
        raise SD4MatchError(f"the study does not measure {wanted}; nearest: {', '.join(near)}")
    measure = "pck_point" if wanted.point else "pck"
    by_dataset = rows.pivot(index="configuration", columns="dataset", values=measure)
    values = by_dataset.astype(float).mean(axis=1, skipna=False)
    return values.reindex(cells["configuration"].unique()).rename(str(wanted))


def _keys(cells: pd.DataFrame) -> list[tuple[str, str, float]]:
    unique = cells[["dataset", "split", "alpha"]].drop_duplicates()
    return [(str(d), str(s), float(a)) for d, s, a in unique.itertuples(index=False)]


def no_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The same table with ``'`` before texts that a spreadsheet would run; numbers stay.

    Args:
        frame: of a CSV file.
    """

    def safe(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value[:1] in tuple(FORMULAS) else value

    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].astype(object).map(safe) for name in texts}).rename(
        columns=safe
    )
