"""The sortable tables of a report: all configurations, and one for each axis."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.analysis.results import Results
from study.space import labels
from study.space.labels import several
from study.tables.tables import study_table


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its ``text``, a smaller ``note`` below it, and ``gain`` or ``loss``."""

    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A column; ``group`` is the heading that neighbors share."""

    name: str
    group: str = ""
    number: bool = True


@dataclass(frozen=True)
class Grid:
    """A table to sort.

    Attributes:
        name: a short word that names it on the page.
        caption: what it shows.
        columns, rows: as many cells a row as columns.
        notes: what a reader must know to use the numbers.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Shared headings and how many columns each spans; nothing where there are none."""
        found: list[tuple[str, int]] = []
        for column in self.columns:
            if found and found[-1][0] == column.group:
                found[-1] = (column.group, found[-1][1] + 1)
            else:
                found.append((column.group, 1))
        return found if any(name for name, _ in found) else []


def axis_grid(study: Results, axis: str) -> tuple[Grid, pd.DataFrame]:
    """The values of one axis around the baseline, and the estimates behind it.

    Returns:
        Test with intervals, the difference to the baseline on the same pairs, and validation; and
        the frame of `study.analysis.ablation.estimates`.

    Raises:
        SD4MatchError: nothing to compare along this axis.
    """
    table = study_table(study, axis)
    raw = table.raw
    columns = [Column(labels.axis(axis), number=False)]
    by_row: dict[str, list[Cell]] = {
        str(key): [Cell(f"{label}", "baseline" if base else "")]
        for key, label, base in raw.drop_duplicates("configuration")[
            ["configuration", "label", "baseline"]
        ].itertuples(index=False)
    }
    for (dataset, split), part in raw.groupby(["dataset", "split"], sort=False):
        group = labels.dataset(str(dataset))
        columns.append(Column(str(split), group))
        if split == "test":
            columns.append(Column("Δ", group))
        for row in part.to_dict("records"):
            cells = by_row[str(row["configuration"])]
            # Intervals where results are reported; validation only chooses.
            note = ""
            if row["status"] == "missing":
                note = "missing"
            elif split == "test":
                note = labels.bounds(row["low"], row["high"]).strip() or "no interval"
            cells.append(Cell(labels.percent(row["pck"]), note))
            if split == "test":
                cells.append(_gap(row))
    rows = tuple(tuple(cells) for cells in by_row.values())
    name = f"axis-{axis.replace('.', '-')}"
    return Grid(name, table.title, tuple(columns), rows, table.footnotes), raw


def configurations_grid(study: Results) -> Grid:
    """All configurations, the best first: what varies, and PCK by data set and split."""
    table = study_table(study)
    raw = table.raw
    columns, texts = [], []
    for name in map(str, raw.columns):
        measured = "/" in name
        place, _, split = name.partition("/")
        if "@" in name:  # what ranks them
            columns.append(Column("ranked by", name))
        elif measured:
            columns.append(Column(split, labels.dataset(place)))
        else:
            columns.append(Column(name, number=pd.api.types.is_numeric_dtype(raw[name])))
        show = labels.percent if measured else _setting
        texts.append([Cell(show(value)) for value in raw[name].astype(object)])
    caption = f"{several(len(raw), 'configuration')}, the best first"
    rows = tuple(zip(*texts, strict=True))
    return Grid("configurations", caption, tuple(columns), rows, table.footnotes)


def _setting(value: object) -> str:
    if isinstance(value, str | int | float) and not pd.isna(value):
        return labels.value(value)
    return labels.MISSING


def _gap(row: Mapping[Hashable, Any]) -> Cell:
    effect, low, high = (float(row[name]) for name in ("effect", "effect_low", "effect_high"))
    if math.isnan(effect):
        return Cell(labels.MISSING)
    shown = row["mark"] and row["verdict"] != "equivalent"
    tone = ("gain" if effect > 0 else "loss") if shown else ""
    note = f"{labels.bounds(low, high)} {row['verdict']}".strip()
    return Cell(f"{labels.signed(effect)} {row['mark']}".strip(), note, tone)
