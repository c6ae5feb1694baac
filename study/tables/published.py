"""Rows of published numbers in a study's table, and the notes on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from study.analysis.published import COMPLETE, PUBLISHED, Published
from study.space import labels
from study.space.metric import MEAN
from study.tables.layout import Layout

SECOND_HAND = "‡"
"""Marks a number that others than the method's authors print."""

Cell = tuple[Published, ...]
"""The published numbers of a cell: one, or one of each data set for their mean; none if unknown."""

_AVERAGES = {
    "point": "Means over keypoints, not over pairs",
    "unknown": "Means over what, their source does not say",
}


def rows(layout: Layout, columns: Sequence[tuple[labels.Value, ...]]) -> dict[str, list[Cell]]:
    """Each method that was published for some of the columns, and its numbers.

    Args:
        layout: of the table.
        columns: values of its column dimensions: data set, alpha, category.

    Returns:
        The method, with its supervision, backbone and resolution, to the numbers of each column.
        They are means over the pairs of complete test splits, as the table's own numbers are.
    """
    methods: dict[str, list[Published]] = {}
    for row in PUBLISHED:
        if row.average == "image" and not row.axis and row.subset == COMPLETE:
            methods.setdefault(f"{row.method}, published ({row.setting})", []).append(row)
    found = {name: [_cell(own, layout, c) for c in columns] for name, own in methods.items()}
    return {name: cells for name, cells in found.items() if any(cells)}


def share(cell: Cell) -> float | None:
    """The PCK of a cell in [0, 1]; of several data sets the mean."""
    return sum(row.pck for row in cell) / len(cell) / 100 if cell else None


def text(cell: Cell) -> str:
    """The PCK of a cell in percent, marked where it is second-hand."""
    mark = SECOND_HAND if any(row.evidence == "second-hand" for row in cell) else ""
    pck = share(cell)
    return labels.MISSING if pck is None else labels.percent(pck) + mark


def raw(cells: Iterable[Cell]) -> list[dict[str, object]]:
    """What is behind the cells of one number, as rows of `study.tables.table.Table.raw`."""
    return [
        {"study": "(published)", "configuration": row.method, "split": "test", "pck": row.pck / 100}
        | {
            name: value
            for name, value in asdict(row).items()
            if name not in ("method", "pck", "axis", "value")
        }
        for cell in cells
        if len(cell) == 1
        for row in cell
    ]


def notes(layout: Layout, found: Mapping[str, Sequence[Cell]]) -> list[str]:
    """What the published rows are, which numbers are second-hand, and which are left out.

    Args:
        layout: of the table.
        found: its published rows, as `rows` gives them.
    """
    every = [row for cells in found.values() for cell in cells for row in cell]
    lines = ["Rows marked as published: not measured here; complete test splits, mean over pairs."]
    second = [row for row in every if row.evidence == "second-hand"]
    if second:
        lines.append(
            f"{SECOND_HAND} second-hand: not printed by the method's own authors, but by"
            f" {_by_work(second)}."
        )
    left = [
        row
        for row in PUBLISHED
        if row.dataset in layout.datasets
        and row.alpha in layout.alphas
        and not row.axis
        and bool(row.category) == ("category" in layout.columns)
    ]
    reasons = [
        f"{why}: {_by_work(of)}."
        for average, why in _AVERAGES.items()
        if (of := [row for row in left if row.average == average])
    ]
    if reasons:
        lines.append(" ".join(["Published, but left out.", *reasons]))
    return lines


def _by_work(rows_: Iterable[Published]) -> str:
    """Methods by the work that prints them, in words."""
    found: dict[str, dict[str, None]] = {}
    for row in rows_:
        found.setdefault(row.work, {})[row.method] = None
    return "; ".join(f"{work} ({', '.join(methods)})" for work, methods in found.items())


def _cell(rows_: Sequence[Published], layout: Layout, column: tuple[labels.Value, ...]) -> Cell:
    at = dict(zip(layout.columns, column, strict=True))
    alone = layout.datasets[0] if len(layout.datasets) == 1 else MEAN
    dataset, alpha = at.get("dataset", alone), at.get("alpha", layout.alphas[0])
    category = at.get("category", "")
    wanted = layout.datasets if dataset == MEAN else (dataset,)
    known = tuple(
        row
        for row in rows_
        if row.dataset in wanted and (row.alpha, row.category) == (alpha, category)
    )
    return known if len(known) == len(wanted) else ()
