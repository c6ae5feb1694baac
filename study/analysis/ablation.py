"""PCK along one axis, differences to the baseline, and the sample size they need.

``cells`` is the frame of results (`study.analysis.contrasts`); ``samples`` gives the PCK of each
pair behind one of them.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError
from study.analysis.contrasts import Row, one_at_a_time
from study.analysis.rows import KEY, MEASURED, columns
from study.analysis.statistics.power import ENOUGH, needed
from study.analysis.statistics.stats import (
    LEVEL,
    PairSamples,
    differences,
    holm,
    intervals,
    require_same_pairs,
    verdict,
)

Samples = Callable[[str, str, str, float], PairSamples]
"""(configuration, dataset, split, alpha) -> PCK of the pairs that count."""
_NEEDED = (
    "needed_pairs_low", "needed_pairs_high", "needed_seeds_low", "needed_seeds_high",
)  # fmt: skip
_NUMBERS = (
    "pck", "low", "high", "effect", "effect_low", "effect_high", "p_value", "p_holm",
    "p_equivalent", *_NEEDED, "pck_point",
)  # fmt: skip
_COLUMNS = [
    "configuration", "value", "label", "baseline", *KEY, "pck", "low", "high", "seeds",
    "effect", "effect_low", "effect_high", "effect_seeds", "p_value", "p_holm", "mark",
    "p_equivalent", "verdict", *_NEEDED, "pck_point", "pairs", "keypoints", "status", "reason",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Measured:
    """A row in one column: its results by seed, and the samples of those that are done."""

    row: Row
    cells: Mapping[int, Mapping[Hashable, object]]
    samples: Mapping[int, PairSamples]


def estimates(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    axis: str,
    baseline: str,
    alphas: Sequence[float] | None = None,
    margin: float | None = None,
    effect: float | None = None,
) -> pd.DataFrame:
    """PCK with its interval, and the difference to the baseline, along one axis.

    A row is the mean over the measured seeds; its difference is over the seeds that it shares with
    the baseline. With one seed, intervals say what other images would give, not what another seed
    would (`study.analysis.statistics.seeds`). Each result is read once.

    Args:
        cells, samples: see the module.
        axis, baseline: as for `study.analysis.contrasts.one_at_a_time`.
        alphas: thresholds; None for all there are.
        margin: the smallest difference that matters, in [0, 1]; None gives no verdicts.
        effect: the difference that needed pairs and seeds shall show, in [0, 1]; the observed one
            of each row by default.

    Returns:
        One row per row of `one_at_a_time` × data set × split (test, val) × alpha:
        ``configuration`` (of the baseline's seed, or the first), ``value, label, baseline``
        (bool), ``dataset, split, alpha``; ``seeds``, ``pck, low, high`` over these;
        ``effect_seeds``, ``effect, effect_low, effect_high, p_value`` over these; ``p_holm`` (over
        the rows of one data set, split and alpha), ``mark`` ("*" when it is below
        `study.analysis.statistics.stats.LEVEL`); with a margin ``p_equivalent`` (of two one-sided
        tests, corrected like ``p_holm``) and ``verdict`` (better, worse, equivalent or undecided);
        on test ``needed_pairs_low, needed_pairs_high, needed_seeds_low, needed_seeds_high`` (how
        many more would give a mark, 0 with one: see `study.analysis.statistics.power.needed`);
        ``pck_point, pairs, keypoints, status, reason`` (why it is missing, or has no interval). NaN
        where missing.

    Raises:
        SD4MatchError: as `one_at_a_time`; when an alpha was not scored; when rows of one column
            were scored on different pairs.
    """
    rows = one_at_a_time(cells, axis=axis, baseline=baseline)
    wanted = {name for row in rows for name in row.by_seed.values()}
    around = cells.loc[cells["configuration"].isin(wanted), list(MEASURED)].to_dict("records")
    by_place = {tuple(cell[name] for name in ("configuration", *KEY)): cell for cell in around}
    parts: list[dict[str, object]] = []
    for key in columns(cells, alphas):
        column = []
        for row in rows:
            found = {s: by_place.get((name, *key), {}) for s, name in row.by_seed.items()}
            done = [s for s, cell in found.items() if cell.get("status") == "done"]
            read = {s: samples(row.by_seed[s], *key) for s in done}
            column.append(_Measured(row, found, read))
        own = next(place for place, row in enumerate(rows) if row.configuration == baseline)
        _require_same_pairs(column, own, key)
        entries = [_described(measured) | dict(zip(KEY, key, strict=True)) for measured in column]
        entries[own]["baseline"] = True
        _add_statistics(entries, column, own, margin=margin, effect=effect)
        parts += entries
    return pd.DataFrame(parts, columns=_COLUMNS)


def _require_same_pairs(column: Sequence[_Measured], own: int, key: Sequence[object]) -> None:
    first = next((m for m in (column[own], *column) if m.samples), column[own])
    for measured in column:
        for seed, samples in measured.samples.items():
            try:
                require_same_pairs(samples, next(iter(first.samples.values())))
            except SD4MatchError as error:
                names = measured.row.by_seed[seed], first.row.configuration
                where = f"{' against '.join(names)} on {key[0]} {key[1]}"
                raise SD4MatchError(f"{where}: {error}") from None


def _described(measured: _Measured) -> dict[str, object]:
    """A row's entry with everything that needs no statistics."""
    row, done = measured.row, [measured.cells[seed] for seed in measured.samples]
    entry: dict[str, object] = {
        "configuration": row.configuration, "value": row.value, "label": row.label,
        "baseline": False, "seeds": len(done), "effect_seeds": 0, "mark": "", "verdict": "",
        **dict.fromkeys(_NUMBERS, np.nan),
    }  # fmt: skip
    if not done:
        why = next((cell.get("reason") for cell in measured.cells.values()), None)
        reason = why if isinstance(why, str) else "not part of the study"
        return entry | {"pairs": 0, "keypoints": None, "status": "missing", "reason": reason}
    pairs = len(next(iter(measured.samples.values())).pck)
    points = float(np.mean([float(str(cell["pck_point"])) for cell in done]))
    entry |= {"pck_point": points, "keypoints": done[0]["keypoints"]}
    return entry | {"pairs": pairs, "status": "done", "reason": None}


def _add_statistics(
    entries: Sequence[dict[str, object]],
    column: Sequence[_Measured],
    own: int,
    *,
    margin: float | None,
    effect: float | None,
) -> None:
    """Fill in a column's intervals and differences to row ``own``."""
    done = [place for place, measured in enumerate(column) if measured.samples]
    rows = [column[place].samples for place in done]
    for place, found in zip(done, intervals(rows), strict=True):
        entries[place] |= {"pck": found.mean, "low": found.low, "high": found.high}
        entries[place]["reason"] = found.reason  # why there is no interval
    if own not in done:
        return
    others = [place for place in done if place != own]
    rows = [column[place].samples for place in others]
    gaps = differences(rows, column[own].samples)
    tested = [(place, gap) for place, gap in zip(others, gaps, strict=True) if gap is not None]
    adjusted = holm([gap.p_value for _, gap in tested]).tolist()
    alike = [np.nan if margin is None else gap.p_beyond(margin) for _, gap in tested]
    for (place, gap), p_holm, p_equivalent in zip(tested, adjusted, holm(alike), strict=True):
        entry, marked = entries[place], p_holm < LEVEL
        entry |= {
            "effect": gap.effect, "effect_low": gap.low, "effect_high": gap.high,
            "effect_seeds": gap.spread.number, "p_value": gap.p_value, "p_holm": p_holm,
            "mark": "*" if marked else "", "p_equivalent": p_equivalent,
        }  # fmt: skip
        if margin is not None:
            entry["verdict"] = verdict(gap.effect, p_holm, p_equivalent)
        if entry["split"] == "test":  # validation chooses, and nobody plans for more of it
            more = ENOUGH if marked else needed(gap, comparisons=len(tested), effect=effect)
            entry |= zip(_NEEDED, (*more.pairs, *more.seeds), strict=True)
