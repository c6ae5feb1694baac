"""Which kernel width is best at which alpha."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study import labels
from study.ablation import Samples, configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import Table, around, fidelity, intervals, middle, ordered, shown

if TYPE_CHECKING:
    from study.study import Study

AXIS = "kernel"


@page.styled
def kernel(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    base: str,
    fidelity: str = "full",
    resamples: int = 2000,
) -> Figure:
    """PCK against the kernel's width, a line an alpha, with 95 % intervals; a ring is the highest.

    Args:
        cells, samples: see `study.ablation`.
        base: the configuration that all others equal but for the kernel.
        fidelity: what was cut short, in words.
        resamples: as for `study.stats.interval`.

    Returns:
        The figure, one panel a data set; all alphas that were scored.

    Raises:
        SD4MatchError: nothing was measured.
    """
    table = configurations(cells)
    keys = _keys(table, base)
    places = shown(cells, keys)
    if not places:
        raise SD4MatchError("nothing of the kernel widths is measured yet")
    alphas = sorted({float(alpha) for alpha in cells["alpha"]})
    found = intervals(cells, samples, keys, places, alphas, resamples=resamples)
    found[AXIS] = [float(str(table[key][AXIS])) for key in found["configuration"]]
    at = page.positions([float(str(value)) for value in ordered(table, AXIS, keys)])
    colors = dict(zip(alphas, sns.color_palette("flare", len(alphas)).as_hex(), strict=True))
    marks = dict(zip(alphas, page.MARKERS * len(alphas), strict=False))
    figure, panels = page.page(
        len(places), height=2.5, titles=[page.titled(*place) for place in places]
    )
    for panel, (dataset, split) in zip(panels, places, strict=True):
        own = table[base][AXIS]
        if own is not None:
            panel.axvline(at[float(str(own))], **page.BASELINE)
        for alpha in alphas:
            rows = found[
                (found["dataset"] == dataset)
                & (found["split"] == split)
                & (found["alpha"] == alpha)
            ].sort_values(AXIS)
            where = rows[AXIS].map(at).to_numpy(dtype=float)
            pck, low, high = (rows[c].to_numpy(dtype=float) for c in ("pck", "low", "high"))
            panel.plot(where, pck, color=colors[alpha], marker=marks[alpha], markersize=3.5)
            panel.fill_between(where, low, high, color=colors[alpha], alpha=0.15, linewidth=0)
            if np.isfinite(pck).any():
                best = int(np.nanargmax(pck))
                panel.plot(
                    where[best], pck[best], "o",
                    markersize=8, mfc="none", mec=colors[alpha], mew=1.1,
                )  # fmt: skip
        page.ticks(panel, at)
        panel.set_xlabel(labels.axis(AXIS))
        page.limits(panel, "y")
    panels[0].set_ylabel("PCK@α (%)")
    entries = [
        page.swatch(f"α = {alpha:g}", color=colors[alpha], marker=marks[alpha], markersize=3.5)
        for alpha in reversed(alphas)
    ]
    entries.append(page.swatch("baseline", **page.BASELINE))
    page.key(figure, entries)
    held = labels.settings(
        {a: v for a, v in table[base].items() if a in ("prompt", "timestep", "layer")}
    )
    page.note(
        figure,
        f"95 % intervals (images resampled). Ring: the highest of a line. Elsewhere {held}. "
        f"Fidelity: {fidelity}.",
    )
    return figure


def _keys(table: Table, base: str) -> list[str]:
    return [key for key in around(table, base=base, free=(AXIS,)) if table[key][AXIS] is not None]


def _choices(study: "Study") -> list[Names]:
    table = configurations(study.cells)
    keys = _keys(table, middle(study))
    alphas = study.cells["alpha"].nunique()
    return [()] if len(ordered(table, AXIS, keys)) > 1 and alphas > 1 else []


def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    if names:
        raise SD4MatchError("a figure of kind kernel takes no names: it shows all widths")
    return kernel(
        study.cells,
        study.samples,
        base=middle(study),
        fidelity=fidelity(study),
    )


KIND = Kind(
    "kernel", "PCK by kernel width and alpha", "", "several kernel widths and alphas",
    _choices, _draw,
)  # fmt: skip
