"""Figure of PCK along one axis around the baseline, one panel per data set."""

import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study.analysis.ablation import Samples, estimates
from study.analysis.contrasts import Row, one_at_a_time
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.figures import literature, page
from study.figures.kind import Kind, Names
from study.figures.measured import at, closing
from study.space import labels

_GONE: dict[str, Any] = {
    "marker": "x", "linestyle": "none", "color": page.GREY, "markersize": 4, "clip_on": False,
    "in_layout": False,
}  # fmt: skip
_SEED: dict[str, Any] = {
    "marker": "o", "linestyle": "none", "markersize": 2.4, "alpha": 0.7, "markeredgewidth": 0,
}  # fmt: skip
_OTHERS = (
    "for other images).",
    "for other images and seeds). Small dots: single seeds.",
)


@page.styled
def ablation(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    axis: str,
    baseline: str,
    alpha: float = 0.1,
    ending: str = "",
    published: bool = False,
) -> Figure:
    """PCK along one axis around the baseline, with 95 % intervals.

    Numbers make lines with bands, names make points with bars. Test is solid and filled,
    validation dashed and open; the dotted grey line is the baseline. Where configurations were
    measured with several seeds, each is a small dot.

    Args:
        cells, samples, axis, baseline: as for `study.analysis.ablation.estimates`.
        alpha: threshold of PCK.
        ending: of the note.
        published: draw the published curves along the axis below, in grey.

    Returns:
        A figure of a paper's width: a column for one data set, the page for more.

    Raises:
        SD4MatchError: as `study.analysis.ablation.estimates`; nothing of this axis was measured;
            no curve along it was published for these data sets and this alpha.
    """
    found = estimates(cells, samples, axis=axis, baseline=baseline, alphas=[alpha])
    if found["pck"].isna().all():
        raise SD4MatchError(f"nothing of axis {axis} is measured yet: {found['reason'].iloc[0]}")
    found[["pck", "low", "high"]] *= 100
    keys = list(found["configuration"].unique())
    values = found["value"].unique().tolist()
    numbers = len(values) == len(keys) and all(map(labels.numeric, values))
    rows = one_at_a_time(cells, axis=axis, baseline=baseline)
    dots = seeds(cells, rows, alpha=alpha)
    datasets = [str(name) for name in found["dataset"].unique()]
    papers = literature.Below.of(axis, datasets, alpha) if published else literature.Below({})
    figure, panels = page.page(
        len(datasets),
        height=(2.5 if numbers else 1.3 + 0.32 * (len(keys) + len(papers.names))) + published,
        titles=map(labels.dataset, datasets),
    )
    splits = found["split"].unique()
    entries = [page.swatch(page.SPLITS[split], **_marks(page.GREY, split)) for split in splits]
    entries.append(page.swatch("baseline", **page.BASELINE))
    if found["pck"].isna().any():
        entries.append(page.swatch("missing", **_GONE))
    page.key(figure, [*entries, *papers.swatches()])
    draw = _lines if numbers else _points
    draw(panels, found, dots, papers)
    sides = (labels.axis(axis), f"PCK@{alpha:g} (%)")
    below, beside = sides if numbers else reversed(sides)
    for panel in panels:
        panel.set_xlabel(below)
    panels[0].set_ylabel(beside)
    table = configurations(cells)
    page.note(
        figure,
        f"95 % intervals ({_OTHERS[bool(len(dots))]} "
        f"Training: {labels.training(table[key] for key in keys)}. {ending}{papers.note()}",
    )
    return figure


def seeds(cells: pd.DataFrame, rows: Sequence[Row], *, alpha: float) -> pd.DataFrame:
    """PCK of every seed, of those rows of an ablation that have more than one.

    Returns:
        One row per seed × data set × split: ``of`` (the row's configuration), ``dataset, split``,
        and ``pck`` in percent.
    """
    of = {
        key: row.configuration
        for row in rows
        if len(row.by_seed) > 1
        for key in row.by_seed.values()
    }
    some = cells[cells["configuration"].isin(of) & np.isclose(cells["alpha"], alpha)]
    found = some[["dataset", "split"]].assign(
        of=some["configuration"].map(of), pck=100 * some["pck"]
    )
    return found[found["pck"].notna()]


def _lines(
    panels: list[Axes], found: pd.DataFrame, dots: pd.DataFrame, papers: literature.Below
) -> None:
    where = page.positions(papers.beyond(sorted(set(found["value"].tolist()))))
    of_key = dict(zip(found["configuration"], found["value"].map(where), strict=True))
    for panel, (dataset, part) in zip(panels, found.groupby("dataset", sort=False), strict=True):
        panel.axvline(where[part.loc[part["baseline"], "value"].iloc[0]], **page.BASELINE)
        for split, rows in part.groupby("split", sort=False):
            style = _marks(page.DATASETS.get(str(dataset), page.GREY), str(split))
            x = rows["value"].map(where).to_numpy(dtype=float)
            page.curve(panel, x, rows, filled=split == "test", **style)
            gone = x[rows["pck"].isna()]
            panel.plot(
                gone, np.full(len(gone), 0.04), transform=panel.get_xaxis_transform(), **_GONE
            )
            single = at(dots, str(dataset), str(split))
            panel.plot(single["of"].map(of_key), single["pck"], color=style["color"], **_SEED)
        papers.lines(panel, str(dataset), where)
        page.ticks(panel, where)
        page.limits(panel, "y")


def _points(
    panels: list[Axes], found: pd.DataFrame, dots: pd.DataFrame, papers: literature.Below
) -> None:
    names = found.drop_duplicates("configuration")
    where = {name: i for i, name in enumerate(names["configuration"])}
    texts = [textwrap.fill(page.shortened(label, 60), 24) for label in names["label"]]
    rows_below = {name: len(where) + i for i, name in enumerate(papers.names)}
    for panel, (dataset, part) in zip(panels, found.groupby("dataset", sort=False), strict=True):
        splits = list(part["split"].unique())
        own = part[part["baseline"] & (part["split"] == splits[0])]
        panel.axvline(own["pck"].iloc[0], **page.BASELINE)
        for i, split in enumerate(splits):
            rows = part[part["split"] == split]
            shift = 0.3 * (i - (len(splits) - 1) / 2)
            y = rows["configuration"].map(where).to_numpy(dtype=float) + shift
            style = _marks(page.DATASETS.get(str(dataset), page.GREY), split)
            bar = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.2}
            panel.hlines(y, rows["low"], rows["high"], **bar)
            panel.plot(rows["pck"], y, **style | {"linestyle": "none"})
            gone = y[rows["pck"].isna()]
            panel.plot(
                np.full(len(gone), 0.04), gone, transform=panel.get_yaxis_transform(), **_GONE
            )
            single = at(dots, str(dataset), split)
            below = single["of"].map(where).to_numpy(dtype=float) + shift + 0.1
            panel.plot(single["pck"], below, color=style["color"], **_SEED)
        papers.points(panel, str(dataset), rows_below)
        count = len(where) + len(rows_below)
        panel.set_ylim(count - 0.45, -0.55)
        every = [*texts, *rows_below] if panel is panels[0] else [""] * count
        panel.set_yticks(range(count), every)
        page.limits(panel, "x")


def _marks(color: str, split: str) -> dict[str, Any]:
    """Test is solid and filled, validation dashed and open."""
    test = split == "test"
    style: dict[str, Any] = {"color": color, "marker": "o", "markersize": 4, "zorder": 3}
    return style | {"linestyle": "-" if test else "--", "mfc": color if test else "white"}


def _choices(study: Results) -> list[Names]:
    return [(axis,) for axis in study.axes]


def _draw(study: Results, names: Names, alpha: float, *, published: bool = False) -> Figure:
    rows = one_at_a_time(study.cells, axis=names[0], baseline=study.baseline)
    return ablation(
        study.cells,
        study.samples,
        axis=names[0],
        baseline=study.baseline,
        alpha=alpha,
        ending=closing(study, [row.configuration for row in rows]),
        published=published,
    )


KIND = Kind(
    name="axis",
    shows="PCK along an axis",
    lacks="an axis that varies around the baseline",
    choices=_choices,
    draw=_draw,
    draw_published=partial(_draw, published=True),
    takes="one axis",
    counts=(1, 1),
)
