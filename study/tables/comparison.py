"""The comparison of two studies as text, and as plain values for programs."""

from typing import Any

import pandas as pd
from tabulate import tabulate

from study.analysis import comparison
from study.analysis.comparison import Comparison
from study.analysis.results import Results
from study.analysis.rows import none_for_na
from study.analysis.statistics.stats import LEVEL
from study.space import labels
from study.space.labels import several
from study.tables import footnotes


def comparison_report(a: Results, b: Results, found: Comparison) -> str:
    """A comparison in words."""
    names = _names(a, b, found.differences)
    alpha = found.differences["alpha"].iloc[0]
    lines = [f"{names[1]} minus {names[0]}, PCK@{alpha:g} in percentage points"]
    lines += [
        f"note: {text}"
        for text in comparison.differences([a, b], *_places(found.differences)).values()
    ]
    if found.settings:
        rows = [[name, *map(_shown, values)] for name, *values in found.settings]
        lines += ["", tabulate(rows, headers=["differs", *names], disable_numparse=True)]
    table = [
        [
            row["a"] if row["a"] == row["b"] else f"{row['a']} → {row['b']}",
            f"{labels.dataset(row['dataset'])} {row['split']}",
            labels.percent(row["pck_a"]),
            labels.percent(row["pck_b"]),
            labels.MISSING
            if pd.isna(row.get("effect"))
            else f"{labels.signed(row['effect'])}{labels.bounds(row['low'], row['high'])}"
            f" {row['mark']} {row['verdict']}".rstrip(),
            "" if pd.isna(row["note"]) else row["note"],
        ]
        for row in found.differences.to_dict("records")
    ]
    headers = ["configuration", "", *names, "difference [95 %]", ""]
    lines += ["", tabulate(table, headers=headers, disable_numparse=True)]
    if found.differences["p_holm"].notna().any():
        over = "the configurations of a data set and split"
        lines += ["", f"* p < {LEVEL:g} after Holm's correction over {over}"]
    if found.margin is not None:
        lines.append(footnotes.verdicts(found.margin))
    lines += [
        f"only in {name}: {several(len(keys), 'configuration')} ({labels.values(keys)})"
        for name, keys in zip(names, found.only, strict=True)
        if keys
    ]
    return "\n".join(lines)


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """A comparison for programs: values as JSON has them."""
    return {
        "settings": [dict(zip(("name", "a", "b"), row, strict=True)) for row in found.settings],
        "only": dict(zip(("a", "b"), found.only, strict=True)),
        "differences": none_for_na(found.differences).to_dict("records"),
    }


def _names(a: Results, b: Results, differences: pd.DataFrame) -> tuple[str, str]:
    one, other = differences[["a", "b"]].iloc[0]
    if a.folder == b.folder and one != other:
        return f"{a.name}:{one}", f"{b.name}:{other}"
    if a.folder != b.folder and a.name == b.name:
        return str(a.folder.path), str(b.folder.path)
    return a.name, b.name


def _places(differences: pd.DataFrame) -> tuple[list[str], list[str]]:
    return list(differences["dataset"].unique()), list(differences["split"].unique())


def _shown(value: object) -> str:
    return labels.MISSING if value is None else str(value)
