"""Which kernel width is best at which alpha."""

from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from study import labels
from study.comparison import around, configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import (
    Table,
    at,
    drawable,
    elsewhere,
    fidelity,
    intervals,
    middle,
    ordered,
)

if TYPE_CHECKING:
    from study.study import Study

AXIS = "kernel"


@page.styled
def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    """PCK against the kernel's width, a line an alpha, with 95 % intervals; a ring is the highest.

    One panel a data set; all alphas that were scored, whatever ``alpha``.
    """
    table, base = configurations(study.cells), middle(study)
    keys = _keys(table, base)
    places = drawable(study.cells, keys, "the kernel widths")
    alphas = sorted({float(each) for each in study.cells["alpha"]})
    found = intervals(study.cells, study.samples, keys, places, alphas)
    found[AXIS] = [float(str(table[key][AXIS])) for key in found["configuration"]]
    where = page.positions([float(str(value)) for value in ordered(table, AXIS, keys)])
    colors = sns.color_palette("flare", len(alphas)).as_hex()
    styles = {
        each: {"color": color, "marker": page.MARKERS[i % 10], "markersize": 3.5}
        for i, (each, color) in enumerate(zip(alphas, colors, strict=True))
    }
    figure, panels = page.of_places(places, height=2.5)
    own = table[base][AXIS]
    for panel, place in zip(panels, places, strict=True):
        if own is not None:
            panel.axvline(where[float(str(own))], **page.BASELINE)
        for each, style in styles.items():
            rows = at(found, *place)
            rows = rows[rows["alpha"] == each].sort_values(AXIS)
            x = rows[AXIS].map(where).to_numpy(dtype=float)
            page.curve(panel, x, rows, **style)
            pck = rows["pck"].to_numpy(dtype=float)
            if np.isfinite(pck).any():
                best = int(np.nanargmax(pck))
                panel.plot(
                    x[best], pck[best], "o",
                    markersize=8, mfc="none", mec=style["color"], mew=1.1,
                )  # fmt: skip
        page.ticks(panel, where)
        panel.set_xlabel(labels.axis(AXIS))
        page.limits(panel, "y")
    panels[0].set_ylabel("PCK@α (%)")
    entries = [page.swatch(f"α = {each:g}", **styles[each]) for each in reversed(alphas)]
    through = "baseline" if base == study.baseline else "best"
    page.key(figure, [*entries, page.swatch(through, **page.BASELINE)])
    page.note(
        figure,
        f"95 % intervals (images resampled). Ring: the highest of a line. "
        f"Elsewhere {elsewhere(table, base, free=[AXIS])}. Fidelity: {fidelity(study)}.",
    )
    return figure


def _keys(table: Table, base: str) -> list[str]:
    return [key for key in around(table, base=base, free=(AXIS,)) if table[key][AXIS] is not None]


def _choices(study: "Study") -> list[Names]:
    table = configurations(study.cells)
    widths = ordered(table, AXIS, _keys(table, middle(study)))
    return [()] if len(widths) > 1 and study.cells["alpha"].nunique() > 1 else []


KIND = Kind(
    name="kernel",
    shows="PCK by kernel width and alpha",
    lacks="several kernel widths and alphas",
    choices=_choices,
    draw=_draw,
)
