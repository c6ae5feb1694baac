"""The report of the best configurations: scores, how to run them again, and trade-offs."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from tabulate import tabulate

from study.analysis import choosing
from study.analysis.choice_uncertainty import ChoiceUncertainty, choice_uncertainty
from study.analysis.results import Results
from study.analysis.rows import configurations, none_for_na, one_training_seed
from study.space import labels
from study.space.labels import several
from study.space.metric import COST, Metric
from study.tables.footnotes import Reasons
from study.tables.reproduce import launch_command, search_space

MOST_TIED = 5
"""Tied configurations that the text lists."""


def best_report(
    study: Results,
    metric: str | None,
    where: str | None = None,
    *,
    number: int = 1,
    objectives: Sequence[str] = (),
) -> tuple[dict[str, Any], str]:
    """The best configuration: its scores on every split, and how to run it again.

    Args:
        study: the study.
        metric, where: as for `study.analysis.choosing.top`.
        number: how many of the best are listed.
        objectives: as for `study.analysis.choosing.pareto`.
    """
    top = choosing.top(study, metric, where=where, number=number)
    chosen_by, key = str(top.columns[-1]), str(top.index[0])
    rows = [
        {"configuration": str(name), "value": row.pop(chosen_by), "settings": row}
        for name, row in ((name, row.to_dict()) for name, row in top.iterrows())
    ]
    settings = rows[0]["settings"]
    scores = study.scores(key)
    names = [f"{d}/{s}/pck@{a:g}" for d, s, a in scores[["dataset", "split", "alpha"]].to_numpy()]
    plain = none_for_na(scores[["pck", "low", "high"]])
    command = launch_command(study.folder, key, settings)
    facts = {
        **rows[0],
        "chosen_by": chosen_by,
        "scores": dict(zip(names, plain["pck"], strict=True)),
        "intervals": dict(zip(names, zip(plain["low"], plain["high"], strict=True), strict=True)),
        "reproduce": command,
    }
    seeds = choosing.seeds_of(study.cells, key, metric=chosen_by, where=where)
    over = labels.seeds_note(seeds)
    sure = None
    if not Metric.parse(chosen_by).point:
        sure = choice_uncertainty(study, chosen_by, where=where)
        facts |= {
            "compared": sure.compared,
            "tied_with": list(sure.tied),
            "optimism": _plain(sure.optimism),
            "corrected": _plain(rows[0]["value"] - sure.optimism),
        }
    compared = [key, *(sure.tied if sure else ())]
    lines = [
        f"best by {chosen_by} ({100 * rows[0]['value']:.1f} %{over}): configuration {key}",
        f"  {labels.settings(settings)}",
        *(_sure_lines(study, key, rows[0]["value"], sure) if sure else []),
        _score_lines(scores),
        *([labels.ONE_SEED] if one_training_seed(study.cells, compared) else []),
        "reproduce it:",
        f"  {command}",
    ]
    if number > 1:
        facts["top"] = rows
        lines += ["", _top_lines(rows, top, chosen_by)]
    found = None
    if objectives or (metric is None and where is None):
        found = choosing.pareto(study, objectives, where=where)
    if found is not None:
        facts["pareto"] = found.reset_index().to_dict("records")
        lines += ["", _pareto_lines(study, found)]
    return facts, "\n".join(lines)


def _sure_lines(study: Results, key: str, value: float, sure: ChoiceUncertainty) -> list[str]:
    """How optimistic the score is, and the configurations that validation cannot tell from it."""
    if sure.compared == 1:
        return []
    lines = ["  These pairs cannot tell how optimistic it is"]
    if sure.optimism == sure.optimism:
        lines = [
            f"  Optimistic by {100 * sure.optimism:.1f} points, as the best of {sure.compared:,}:"
            f" {labels.percent(value - sure.optimism)} % without it"
        ]
    if not sure.tied:
        return [*lines, "  Tied with none: validation tells it from all others"]
    table = configurations(study.cells)
    shown = list(sure.tied[:MOST_TIED])
    varied = labels.differing(table[other] for other in (key, *shown))
    lines.append(
        f"  Tied with {several(len(sure.tied), 'configuration')}: validation cannot tell them apart"
    )
    lines += [
        f"    {name}  {labels.settings({n: table[name][n] for n in varied})}" for name in shown
    ]
    if len(sure.tied) > len(shown):
        lines.append(f"    … and {len(sure.tied) - len(shown):,} more (--json lists all)")
    return lines


def best_space(study: Results, metric: str | None, where: str | None = None) -> str:
    """A search-space file that starts from the best configuration.

    Args:
        study, metric, where: as for `best_report`.

    Returns:
        YAML.
    """
    row = choosing.best(study, metric, where=where)
    settings = {str(name): value for name, value in row.iloc[:-1].items()}
    return search_space(study.folder, str(row.name), settings)


def _top_lines(rows: Sequence[Mapping[str, Any]], top: pd.DataFrame, chosen_by: str) -> str:
    """The best configurations, and what differs between them."""
    varied = labels.differing(row["settings"] for row in rows)
    table = [
        [
            place,
            row["configuration"],
            f"{100 * row['value']:.1f}",
            labels.settings({name: row["settings"][name] for name in varied}),
        ]
        for place, row in enumerate(rows, 1)
    ]
    headers = ["", "configuration", chosen_by, "settings that differ"]
    return tabulate(table, headers=headers, disable_numparse=True)


def _pareto_lines(study: Results, found: pd.DataFrame) -> str:
    """The Pareto front, the best in the first objective first."""
    settings = none_for_na(study.configurations().loc[found.index]).to_dict("records")
    varied = labels.differing({str(n): v for n, v in row.items()} for row in settings)
    rows = [
        [
            key,
            *(f"{v:.3g}" if name == COST else f"{100 * v:.1f}" for name, v in values.items()),
            labels.settings({name: setting[name] for name in varied}),
        ]
        for (key, values), setting in zip(found.iterrows(), settings, strict=True)
    ]
    names = ["TFLOP per image" if name == COST else str(name) for name in found]
    title = f"Pareto front of {several(len(found), 'configuration')}: none is dominated"
    headers = ["configuration", *names, "settings"]
    return title + "\n" + tabulate(rows, headers=headers, disable_numparse=True)


def _score_lines(scores: pd.DataFrame) -> str:
    """One configuration's PCK with intervals: rows are data sets and splits, columns are alphas."""
    reasons = Reasons()
    rows = [
        [
            f"{labels.dataset(str(dataset))} {split}",
            *(_score(row, reasons) for row in part.itertuples()),
        ]
        for (dataset, split), part in scores.groupby(["dataset", "split"], sort=False)
    ]
    alphas = [f"PCK@{alpha:g} [95 %]" for alpha in scores["alpha"].unique()]
    shown = tabulate(rows, headers=["", *alphas], disable_numparse=True)  # 5.0 stays 5.0
    gone = scores[scores["status"] == "missing"].drop_duplicates(["dataset", "split"])
    return "\n".join(
        [
            shown,
            *(
                f"{labels.MISSING} {labels.dataset(str(row.dataset))} {row.split}: {row.reason}"
                for row in gone.itertuples()
            ),
            *reasons.notes(),
        ]
    )


def _plain(number: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return number if number == number else None


def _score(row: Any, reasons: Reasons) -> str:
    if pd.isna(row.pck):
        return labels.MISSING
    return labels.percent(row.pck) + reasons.bounds(row.low, row.high, row.reason)
