"""Figures of lines: PCK of prompt families by length, and PCK by kernel width at each alpha."""

from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from study.analysis.contrasts import around
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import (
    Table,
    at,
    closing,
    drawable,
    elsewhere,
    for_others,
    intervals,
    middle,
    ordered,
)
from study.space import labels

PROMPT, LENGTH, WIDTH = "prompt", "length", "kernel"


@page.styled
def _draw_families(study: Results, names: Names, alpha: float) -> Figure:
    """PCK of each prompt family by prompt length, with 95 % intervals; one panel per data set.

    A family of several lengths is a line, one of a single length a point with a bar, and one
    without a length of its own a dashed line across.
    """
    table, base = configurations(study.cells), middle(study)
    keys = around(table, base=base, free=(PROMPT, LENGTH))
    places = drawable(study.cells, keys, "the prompt families")
    found = intervals(study, keys, places, [alpha])
    for axis in (PROMPT, LENGTH):
        found[axis] = [table[key][axis] for key in found["configuration"]]
    families = [str(name) for name in ordered(table, PROMPT, keys)]
    where = page.positions([float(str(v)) for v in ordered(table, LENGTH, keys)])
    across = {name for name in families if found.loc[found[PROMPT] == name, LENGTH].isna().all()}
    styles: dict[str, dict[str, Any]] = {
        name: {"color": page.PALETTE[i % 10]}
        | ({"linestyle": "--"} if name in across else {"marker": page.MARKERS[i % 10]})
        for i, name in enumerate(families)
    }
    figure, panels = page.of_places(places, height=2.6)
    for panel, place in zip(panels, places, strict=True):
        for name, rows in at(found, *place).groupby(PROMPT, sort=False):
            style = styles[str(name)]
            if name in across:
                # Several without a length (a cpm prompt has two of its own): the first is drawn.
                panel.axhline(rows["pck"].iloc[0], **style)
            else:
                rows = rows.sort_values(LENGTH)
                page.curve(panel, rows[LENGTH].map(where).to_numpy(dtype=float), rows, **style)
        page.ticks(panel, where)
        panel.set_xlabel(labels.axis(LENGTH))
        page.limits(panel, "y")
    panels[0].set_ylabel(f"PCK@{alpha:g} (%)")
    page.key(figure, [page.swatch(name, markersize=4, **styles[name]) for name in families])
    unknown = found[found["pck"].isna()].drop_duplicates([PROMPT, "dataset"])
    lost = ", ".join(
        f"{prompt} on {labels.dataset(dataset)}"
        for prompt, dataset in zip(unknown[PROMPT], unknown["dataset"], strict=True)
    )
    at_base = elsewhere(table, base, free=[PROMPT])
    page.note(
        figure,
        f"95 % intervals ({for_others(study, keys)})."
        f"{' Dashed: families without a length.' * bool(across)} "
        f"{f'Not measured: {lost}. ' if lost else ''}Other axes: {at_base}. "
        f"Training: {labels.training(table[name] for name in keys)}. {closing(study, keys)}",
    )
    return figure


def _family_choices(study: Results) -> list[Names]:
    table = configurations(study.cells)
    keys = around(table, base=middle(study), free=(PROMPT, LENGTH))
    sizes = [len(ordered(table, axis, keys)) for axis in (PROMPT, LENGTH)]
    return [()] if min(sizes) > 1 else []


FAMILIES = Kind(
    name="families",
    shows="PCK of prompt families by prompt length",
    lacks="prompts of several families and lengths",
    choices=_family_choices,
    draw=_draw_families,
)


@page.styled
def _draw_kernel(study: Results, names: Names, alpha: float) -> Figure:
    """PCK by kernel width, one line per alpha, with 95 % intervals; a ring marks the top.

    One panel per data set; all alphas that were scored, whatever ``alpha``.
    """
    table, base = configurations(study.cells), middle(study)
    keys = _keys(table, base)
    places = drawable(study.cells, keys, "the kernel widths")
    alphas = sorted({float(each) for each in study.cells["alpha"]})
    found = intervals(study, keys, places, alphas)
    found[WIDTH] = [float(str(table[key][WIDTH])) for key in found["configuration"]]
    where = page.positions([float(str(value)) for value in ordered(table, WIDTH, keys)])
    colors = sns.color_palette("flare", len(alphas)).as_hex()
    styles = {
        each: {"color": color, "marker": page.MARKERS[i % 10], "markersize": 3.5}
        for i, (each, color) in enumerate(zip(alphas, colors, strict=True))
    }
    figure, panels = page.of_places(places, height=2.5)
    own = table[base][WIDTH]
    for panel, place in zip(panels, places, strict=True):
        if own is not None:
            panel.axvline(where[float(str(own))], **page.BASELINE)
        for each, style in styles.items():
            rows = at(found, *place)
            rows = rows[rows["alpha"] == each].sort_values(WIDTH)
            x = rows[WIDTH].map(where).to_numpy(dtype=float)
            page.curve(panel, x, rows, **style)
            pck = rows["pck"].to_numpy(dtype=float)
            if np.isfinite(pck).any():
                best = int(np.nanargmax(pck))
                panel.plot(
                    x[best], pck[best], "o",
                    markersize=8, mfc="none", mec=style["color"], mew=1.1,
                )  # fmt: skip
        page.ticks(panel, where)
        panel.set_xlabel(labels.axis(WIDTH))
        page.limits(panel, "y")
    panels[0].set_ylabel("PCK@α (%)")
    entries = [page.swatch(f"α = {each:g}", **styles[each]) for each in reversed(alphas)]
    through = "baseline" if base == study.baseline else "best"
    page.key(figure, [*entries, page.swatch(through, **page.BASELINE)])
    page.note(
        figure,
        f"95 % intervals ({for_others(study, keys)}). Ring: the highest point of a line. "
        f"Other axes: {elsewhere(table, base, free=[WIDTH])}. {closing(study, keys)}",
    )
    return figure


def _keys(table: Table, base: str) -> list[str]:
    return [key for key in around(table, base=base, free=(WIDTH,)) if table[key][WIDTH] is not None]


def _kernel_choices(study: Results) -> list[Names]:
    table = configurations(study.cells)
    widths = ordered(table, WIDTH, _keys(table, middle(study)))
    return [()] if len(widths) > 1 and study.cells["alpha"].nunique() > 1 else []


KERNEL = Kind(
    name="kernel",
    shows="PCK by kernel width and alpha",
    lacks="several kernel widths and alphas",
    choices=_kernel_choices,
    draw=_draw_kernel,
)
