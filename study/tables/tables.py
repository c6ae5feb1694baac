"""The ablation table of an axis and the overview of a study, with notes on how they were made."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from study.analysis.ablation import Samples, estimates
from study.analysis.results import Results
from study.analysis.rows import (
    KEY,
    columns,
    configurations,
    none_for_na,
    over_seeds,
    representatives,
    value,
)
from study.analysis.statistics.stats import LEVEL
from study.space import labels
from study.space.axes import SEED
from study.space.metric import Metric
from study.tables import footnotes
from study.tables.table import Mark, Table, marks

_SEEDS = (
    "Means over the measured seeds, and intervals for other seeds too; differences over the seeds"
    " that both rows share."
)


def study_table(
    study: Results,
    axis: str | None = None,
    *,
    alphas: Sequence[float] | None = None,
    effect: float | None = None,
) -> Table:
    """The ablation table of one axis of a study, or the overview of all its configurations.

    Args:
        study: the study.
        axis: its values are the rows; None for the overview.
        alphas: columns of each data set and split in an axis's table; the study's usual alpha by
            default. The overview is at the alpha of the metric that ranks it.
        effect: the difference that needed pairs and seeds shall show, in [0, 1]; the observed ones
            by default.

    Raises:
        SD4MatchError: nothing to compare along this axis; says which axes there are.
    """
    if axis is None:
        table = overview(
            study.cells,
            metric=study.usual_metric,
            fidelity=study.fidelity,
            protocol=study.rule.protocol,
        )
        shown = table.raw.iloc[: len(table.formatted)]
    else:
        table = ablation(
            study.cells,
            study.samples,
            axis=axis,
            baseline=study.baseline,
            alphas=alphas or [study.rule.usual_alpha],
            margin=study.margin,
            effect=effect,
            fidelity=study.fidelity,
            protocol=study.rule.protocol,
            selection=f"by {study.metric}" if study.metric else "none (no validation split)",
        )
        shown = table.raw
    cells = study.cells_with_keys
    same = representatives(study.cells)  # a row may be a mean over seeds
    of_rows = cells["configuration"].map(same).isin(same[shown["configuration"].unique()])
    predictions = cells.loc[of_rows & (cells["status"] == "done"), "predict"].tolist()
    notes = (
        footnotes.provenance(study, predictions),
        *footnotes.mixed_devices([(study, predictions)]),
    )
    return replace(table, footnotes=(*table.footnotes, *notes))


def ablation(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    axis: str,
    baseline: str,
    alphas: Sequence[float] | None = None,
    margin: float | None = None,
    effect: float | None = None,
    fidelity: str = "full",
    protocol: str = "sd4match",
    selection: str = "chosen on validation, reported on test",
) -> Table:
    """One axis around the baseline: PCK with intervals and differences, on every data set.

    Args:
        cells, samples, axis, baseline, alphas, margin, effect: as for
            `study.analysis.ablation.estimates`.
        fidelity: what was reduced, in words; ``full`` for nothing.
        protocol: the PCK protocol of the results.
        selection: how settings were chosen.

    Returns:
        Rows: values of the axis. Columns: data set × split × alpha.

    Raises:
        SD4MatchError: as `study.analysis.ablation.estimates`.
    """
    raw = estimates(
        cells,
        samples,
        axis=axis,
        baseline=baseline,
        alphas=alphas,
        margin=margin,
        effect=effect,
    )
    rows = raw.drop_duplicates("configuration")
    names = [
        f"{label} (baseline)" if base else label
        for label, base in zip(rows["label"], rows["baseline"], strict=True)
    ]
    formatted = {labels.axis(axis): names}
    ranks: dict[Mark, str] = {}
    reasons = footnotes.Reasons()
    for (dataset, split, alpha), part in raw.groupby(list(KEY), sort=False):
        head = f"{labels.dataset(str(dataset))} {split} @{alpha:g}"
        ranks |= marks({(row, len(formatted)): pck for row, pck in enumerate(part["pck"])})
        formatted[head] = [_cell(row, reasons) for row in part.to_dict("records")]
    table = configurations(cells)
    notes = [
        f"PCK@alpha in %, mean over pairs, protocol {protocol}; [95 % interval] for other images of"
        " these categories.",
        "Second line: difference to the baseline on the same pairs, in percentage points;"
        f" * p < {LEVEL:g} after Holm's correction over the rows of a column; an interval is of its"
        " row alone.",
        *([footnotes.verdicts(margin)] if margin is not None else []),
        *([_SEEDS] if (raw["seeds"] > 1).any() else []),
        f"Baseline {baseline}: {labels.settings(table[baseline])}.",
        f"Training: {labels.training(table[name] for name in rows['configuration'])}.",
        *footnotes.one_seed(cells, rows["configuration"]),
        f"Fidelity: {fidelity}. Selection: {selection}.",
        f"Pairs: {footnotes.pairs(raw)}.",
        *footnotes.needed(raw[raw["alpha"] == raw["alpha"].iloc[0]], effect=effect),
        *reasons.notes(),
    ]
    title = f"Ablation of {labels.axis(axis)}"
    return Table(title, pd.DataFrame(formatted), raw, tuple(notes), ranks)


def overview(
    cells: pd.DataFrame,
    *,
    metric: str = "mean/val/pck@0.1",
    top: int | None = 20,
    fidelity: str = "full",
    protocol: str = "sd4match",
) -> Table:
    """The configurations ranked by one metric, with their PCK on every data set and split.

    Configurations that differ in the seed alone are one row, the mean over the measured seeds.

    Args:
        cells: see `study.analysis.contrasts`.
        metric: what ranks them; its alpha and its average are shown for every data set.
        top: how many rows to show; None for all. The raw numbers are always complete.
        fidelity, protocol: as for `ablation`.

    Returns:
        Columns: rank, configuration, the axes that vary, the metric, PCK by data set and split;
        ``seeds``, how many the metric is the mean of, instead of the axis where it has several.

    Raises:
        SD4MatchError: when the study does not measure the metric.
    """
    chosen = Metric.parse(metric)
    places = columns(cells, [chosen.alpha])
    every = pd.DataFrame(
        {str(chosen): value(cells, chosen)}
        | {f"{d}/{s}": value(cells, Metric(d, s, a, chosen.point)) for d, s, a in places}
    )
    ranked = over_seeds(every, cells).sort_values(str(chosen), ascending=False, kind="stable")
    table = configurations(cells)
    several = len(ranked) < len(table)
    settings = {
        axis: list(dict.fromkeys(row[axis] for row in table.values() if row[axis] is not None))
        for axis in next(iter(table.values()))
        if not (several and axis == SEED)
    }
    differ = [axis for axis, found in settings.items() if len(found) > 1]
    same = {axis: found[0] for axis, found in settings.items() if len(found) == 1}

    raw = pd.DataFrame([table[str(name)] for name in ranked.index], index=ranked.index)[differ]
    formatted = none_for_na(raw).map(labels.value)
    if several:
        measured = every[str(chosen)].notna().groupby(representatives(cells)).sum()
        raw["seeds"] = formatted["seeds"] = measured
    raw[ranked.columns] = ranked
    heads = [str(chosen), *(f"{labels.dataset(d)} {s}" for d, s, _ in places)]
    formatted[heads] = ranked.map(labels.percent)
    for frame in (raw, formatted):
        frame.insert(0, "configuration", ranked.index.astype(str))
        frame.insert(0, "rank", range(1, len(frame) + 1))
    average = "over keypoints" if chosen.point else "over pairs"
    chose = "chosen on validation" if chosen.split == "val" else f"ranked on {chosen.split}"
    notes = (
        f"PCK@{chosen.alpha:g} in %, mean {average}"
        f"{' and the measured seeds of a row' * several}, protocol {protocol}.",
        f"Settings that all share where they apply: {labels.settings(same)}.",
        f"Training: {labels.training(table.values())}.",
        *footnotes.one_seed(cells, table),
        f"Fidelity: {fidelity}. Selection: {chose} ({chosen}).",
        f"Pairs: {footnotes.pairs(cells)}.",
        f"{labels.MISSING} not measured, or a setting that does not apply.",
    )
    title = f"{len(formatted.iloc[:top])} of {len(formatted)} configurations by {chosen}"
    return Table(title, formatted.iloc[:top].astype(str), raw, notes)


def _cell(row: Mapping[Hashable, object], reasons: footnotes.Reasons) -> str:
    number = {str(name): v for name, v in row.items() if isinstance(v, float)}
    if pd.isna(number["pck"]):
        return reasons.cell(str(row["reason"]))
    bounds = reasons.bounds(number["low"], number["high"], row["reason"])
    text = labels.percent(number["pck"]) + bounds
    if pd.isna(number["effect"]):
        return text
    mark = " *" if number["p_holm"] < LEVEL else ""
    gap = labels.signed(number["effect"]) + labels.bounds(
        number["effect_low"], number["effect_high"]
    )
    return f"{text}\n{gap}{mark} {row['verdict']}".rstrip()
