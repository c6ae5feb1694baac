"""One axis at a time: which configurations differ from the baseline in it alone, and by how much.

Tables and figures take ``cells``, a frame with one row per (configuration, dataset, split, alpha):
``configuration``, the axes by their names (NA where an axis means nothing), and the columns of
`MEASURED`; and ``samples``, which gives the per-pair PCK behind a cell.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError, require_known
from study import labels
from study.stats import PairSamples, difference, holm, interval

MEASURED = (
    "configuration", "dataset", "split", "alpha",
    "pck", "pck_point", "pairs", "keypoints", "status", "reason",
)  # fmt: skip
"""Columns of ``cells`` that are no axis; PCK means lie in [0, 1], status is done or missing."""

Samples = Callable[[str, str, str, float], PairSamples]
"""(configuration, dataset, split, alpha) -> PCK of the pairs that count."""

KEY = ("dataset", "split", "alpha")
_NUMBERS = ("pck", "low", "high", "effect", "effect_low", "effect_high", "p_value", "p_holm")
_SPLITS = ("test", "val")
_TIED = {"timestep": "train.timestep", "layer": "train.layer"}


@dataclass(frozen=True)
class Row:
    """A configuration of an ablation: its value of the axis, and a label no other row has."""

    configuration: str
    value: labels.Value
    label: str


def configurations(cells: pd.DataFrame) -> dict[str, labels.Settings]:
    """The axes of every configuration, in the order of ``cells``; None where one means nothing."""
    axes = [str(name) for name in cells.columns if name not in MEASURED]
    frame = cells.drop_duplicates("configuration").set_index("configuration")[axes].astype(object)
    rows = frame.where(frame.notna(), None).to_dict("index")
    return {str(name): {str(k): v for k, v in row.items()} for name, row in rows.items()}


def varied(cells: pd.DataFrame, *, baseline: str) -> list[str]:
    """The axes of which at least two values can be compared around the baseline."""
    table = configurations(cells)
    require_known(baseline, table, what="configuration")
    apply = [axis for axis, value in table[baseline].items() if value is not None]
    return [axis for axis in apply if len(_around(table, axis, baseline)) > 1]


def one_at_a_time(cells: pd.DataFrame, *, axis: str, baseline: str) -> list[Row]:
    """The configurations that equal the baseline in every axis but one.

    Axes compare where both apply: ``prompt = empty`` has no length, and still differs from a
    baseline with ``length = 75`` in the prompt alone. When training is tied to the evaluation's
    timestep and layer, the pair counts as one axis.

    Args:
        cells: see the module.
        axis: the axis that differs.
        baseline: a configuration.

    Returns:
        The baseline and the others: numbers ascend, names keep the order of ``cells``.
        Several configurations of one value are labelled by what tells them apart.

    Raises:
        SD4MatchError: when the axis or baseline is unknown, or there is nothing to compare.
    """
    table = configurations(cells)
    require_known(baseline, table, what="configuration")
    require_known(axis, table[baseline], what="axis")
    if table[baseline][axis] is None:
        raise SD4MatchError(
            f"axis {axis} means nothing for the baseline {baseline}"
            f" ({labels.settings(table[baseline])}); choose another baseline"
        )
    names = _around(table, axis, baseline)
    if len(names) < 2:
        there = ", ".join(varied(cells, baseline=baseline)) or "none"
        raise SD4MatchError(
            f"no configuration differs from the baseline {baseline} in {axis} alone;"
            f" axes that can be compared: {there}"
        )
    order = list(dict.fromkeys(table[name][axis] for name in names))
    if all(isinstance(value, int | float) for value in order):
        order.sort()
    names.sort(key=lambda name: order.index(table[name][axis]))
    return [Row(name, table[name][axis], _label(table, names, name, axis)) for name in names]


def estimates(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    axis: str,
    baseline: str,
    alphas: Sequence[float] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """PCK with its interval, and the difference to the baseline, along one axis.

    Args:
        cells, samples: see the module.
        axis, baseline: as for `one_at_a_time`.
        alphas: thresholds; None for all there are.
        resamples, seed: as for `study.stats.interval`.

    Returns:
        One row per configuration × data set × split (test, val) × alpha: ``configuration, value,
        label, baseline`` (bool), ``dataset, split, alpha, pck, low, high, effect, effect_low,
        effect_high, p_value, p_holm`` (over the rows of one data set, split and alpha),
        ``pck_point, pairs, keypoints, status, reason``. NaN where missing.

    Raises:
        SD4MatchError: as `one_at_a_time`; when an alpha was not scored; when rows of one column
            were scored on different pairs.
    """
    rows = one_at_a_time(cells, axis=axis, baseline=baseline)
    by_key: dict[tuple[object, ...], Mapping[Hashable, object]] = {
        tuple(cell[name] for name in ("configuration", *KEY)): cell
        for cell in cells[list(MEASURED)].to_dict("records")
    }
    parts: list[dict[str, object]] = []
    for key in columns(cells, alphas):
        base = by_key.get((baseline, *key), {})
        column: list[dict[str, object]] = []
        for row in rows:
            entry = asdict(row) | {"baseline": row.configuration == baseline}
            entry |= dict(zip(KEY, key, strict=True)) | dict.fromkeys(_NUMBERS, np.nan)
            cell = by_key.get((row.configuration, *key), {})
            entry |= {name: cell.get(name) for name in ("pck_point", "keypoints")}
            if cell.get("status") != "done":
                why = cell.get("reason")
                reason = why if isinstance(why, str) else "not part of the study"
                column.append(entry | {"pairs": 0, "status": "missing", "reason": reason})
                continue
            own = samples(row.configuration, *key)
            around = interval(own, resamples=resamples, seed=seed)
            entry |= {"pck": around.mean, "low": around.low, "high": around.high}
            entry |= {"pairs": len(own.pck), "status": "done", "reason": None}
            if row.configuration != baseline and base.get("status") == "done":
                try:
                    gap = difference(own, samples(baseline, *key), resamples=resamples, seed=seed)
                except SD4MatchError as error:
                    where = f"{row.configuration} against {baseline} on {key[0]} {key[1]}"
                    raise SD4MatchError(f"{where}: {error}") from None
                entry |= {"effect": gap.effect, "effect_low": gap.low, "effect_high": gap.high}
                entry["p_value"] = gap.p_value
            column.append(entry)
        adjusted = holm([float(str(entry["p_value"])) for entry in column])
        parts += [e | {"p_holm": p} for e, p in zip(column, adjusted.tolist(), strict=True)]
    return pd.DataFrame(parts)


def columns(cells: pd.DataFrame, alphas: Sequence[float] | None) -> list[tuple[str, str, float]]:
    """(dataset, split, alpha) in the order of papers, test before val."""
    there = sorted({float(alpha) for alpha in cells["alpha"]})
    wanted = there if alphas is None else [_scored(alpha, there) for alpha in alphas]
    known = {name: i for i, name in enumerate(labels.DATASETS)}
    datasets = sorted(cells["dataset"].unique(), key=lambda d: (known.get(d, len(known)), d))
    held = set(cells[["dataset", "split"]].itertuples(index=False, name=None))
    return [(d, s, a) for d in datasets for s in _SPLITS if (d, s) in held for a in wanted]


def _scored(alpha: float, there: Sequence[float]) -> float:
    for known in there:
        if np.isclose(alpha, known):
            return known
    raise SD4MatchError(
        f"alpha {alpha:g} was not scored; there are {', '.join(f'{a:g}' for a in there)}"
    )


def _around(table: Mapping[str, labels.Settings], axis: str, baseline: str) -> list[str]:
    base = table[baseline]
    fixed = [other for other in base if other not in (axis, _tied(table, axis))]

    def comparable(row: labels.Settings) -> bool:
        pairs = ((row[other], base[other]) for other in fixed)
        return row[axis] is not None and all(a is None or b is None or a == b for a, b in pairs)

    return [name for name, row in table.items() if comparable(row)]


def _tied(table: Mapping[str, labels.Settings], axis: str) -> str | None:
    """The axis that always moves with this one, if any."""
    other = (_TIED | {train: name for name, train in _TIED.items()}).get(axis)
    if other is None:
        return None
    both = {
        (row[axis], row[other]) for row in table.values() if None not in (row[axis], row[other])
    }
    return other if len(both) > 1 and all(a == b for a, b in both) else None


def _label(table: Mapping[str, labels.Settings], names: Sequence[str], name: str, axis: str) -> str:
    row = table[name]
    twins = [table[other] for other in names if table[other][axis] == row[axis]]
    apart = {k: v for k, v in row.items() if any(twin[k] != v for twin in twins)}
    return labels.value(row[axis]) + (f" ({labels.settings(apart)})" if apart else "")
