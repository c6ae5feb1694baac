"""What the commands that ask print, and the same facts; needs neither torch nor Ray."""

from typing import Any

import pandas as pd
from tabulate import tabulate

from study import labels
from study.search.settings import COST
from study.study import Study


def best_report(
    study: Study, metric: str | None, where: str | None = None
) -> tuple[dict[str, Any], str]:
    """The best configuration and its scores on every split."""
    row = study.best(metric, where=where)
    chosen_by, value = str(row.index[-1]), float(row.iloc[-1])
    settings = {str(k): None if pd.isna(v) else v for k, v in row.iloc[:-1].items()}
    cells = study.cells[study.cells["configuration"] == row.name]
    scores = {
        f"{dataset}/{split}/pck@{alpha:g}": None if pd.isna(pck) else float(pck)
        for dataset, split, alpha, pck in cells[["dataset", "split", "alpha", "pck"]].itertuples(
            index=False
        )
    }
    facts = {
        "configuration": row.name,
        "chosen_by": chosen_by,
        "value": value,
        "settings": settings,
        "scores": scores,
    }
    lines = [
        f"best by {chosen_by} ({100 * value:.1f} %): configuration {row.name}",
        f"  {labels.settings(settings)}",
        _score_lines(cells),
    ]
    if metric is None and where is None and (found := study.pareto()) is not None:
        facts["pareto"] = found.reset_index().to_dict("records")
        lines += ["", _pareto_lines(study, found)]
    return facts, "\n".join(lines)


def _pareto_lines(study: Study, found: pd.DataFrame) -> str:
    """The configurations that a search with several objectives chose, the best first."""
    axes = study.configurations().loc[found.index]
    varied = [name for name in axes if axes[name].nunique(dropna=False) > 1]
    rows = [
        [
            key,
            *(f"{v:.3g}" if name == COST else f"{100 * v:.1f}" for name, v in values.items()),
            labels.settings({str(n): None if pd.isna(v) else v for n, v in setting.items()}),
        ]
        for (key, values), (_, setting) in zip(
            found.iterrows(), axes[varied].iterrows(), strict=True
        )
    ]
    names = ["TFLOP an image" if name == COST else str(name) for name in found]
    told = f"Pareto set of {len(found)}: no other is as good in everything"
    headers = ["configuration", *names, "settings"]
    return told + "\n" + tabulate(rows, headers=headers, disable_numparse=True)


def _score_lines(cells: pd.DataFrame) -> str:
    """One configuration's PCK: a row a data set and split, a column an alpha."""
    rows = [
        [
            f"{labels.dataset(str(dataset))} {split}",
            *(None if pd.isna(pck) else f"{100 * pck:.1f}" for pck in part["pck"]),
        ]
        for (dataset, split), part in cells.groupby(["dataset", "split"], sort=False)
    ]
    alphas = [f"PCK@{alpha:g}" for alpha in cells["alpha"].unique()]
    return tabulate(
        rows,
        headers=["", *alphas],
        colalign=("left", *("right" for _ in alphas)),
        disable_numparse=True,  # 5.0 stays 5.0
        missingval=labels.MISSING,
    )
