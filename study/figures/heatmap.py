"""Figure of PCK over two axes that vary together: timestep × layer, prompt family × length."""

import itertools

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from sd4match.errors import SD4MatchError, require_known
from study.analysis.contrasts import around, tied
from study.analysis.results import Results
from study.analysis.rows import columns, configurations, mean_of_seeds
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import Table, at, closing, drawable, elsewhere, middle, ordered
from study.space import labels
from study.space.axes import SEED

MAP = "cividis"
"""Perceptually uniform, and the same to those who do not see red or green."""
_USUAL = (("timestep", "layer"), ("prompt", "length"))
_MOST = 3
_FILLED = 0.5  # the smallest share of combinations that makes a useful picture
_BESIDE = 9  # columns; with more, panels stand one below the other
_NUMBER = 0.19  # width of a cell that a number fits in, inches


def pairs(table: Table, *, base: str) -> list[Names]:
    """Two axes each that vary together around a configuration; the longer one comes first.

    Args:
        table: `study.analysis.rows.configurations`.
        base: the configuration.

    Returns:
        Pairs of axes of which at least half of the combinations are part of the study.
    """
    varied = [
        axis
        for axis in table[base]
        if axis != SEED and len({row[axis] for row in table.values()} - {None}) > 1
    ]
    # Of two that always move together one stands for both.
    varied = [axis for axis in varied if not (axis.startswith("train.") and tied(table, axis))]
    found: list[Names] = []
    for first, second in itertools.combinations(varied, 2):
        asked = layout(table, x=first, y=second, base=base)
        if _whole(asked, base):
            longer = asked.shape[1] >= asked.shape[0]
            found.append((first, second) if longer else (second, first))
    return found


def _whole(asked: pd.DataFrame, base: str) -> bool:
    """Whether the study has most combinations of both axes; one-at-a-time designs have a cross."""
    keys = asked.to_numpy()
    rows, columns = (np.asarray((keys == base).any(axis=axis)) for axis in (1, 0))
    cross = {*keys[rows].flat, *keys[:, columns].flat}
    both = keys[~rows][:, ~columns].ravel()
    # Configurations to which an axis does not apply belong to the cross: they do not count here.
    own = [key for key in both if key is None or key not in cross]
    return bool(own) and sum(key is not None for key in own) >= _FILLED * len(own)


def layout(table: Table, *, x: str, y: str, base: str) -> pd.DataFrame:
    """The configuration of each combination of two axes' values.

    Args:
        table: `study.analysis.rows.configurations`.
        x, y: the axes.
        base: all other axes have its values, where they apply.

    Returns:
        Keys of configurations, None where there is none; rows are values of ``y``, columns of
        ``x``. A configuration to which one axis does not apply fills its row or column.
    """
    names = around(table, base=base, free=(x, y))
    across, down = (ordered(table, axis, names) for axis in (x, y))

    def standing(right: labels.Value, below: labels.Value) -> str | None:
        for name in names:
            here = (table[name][x], table[name][y])
            if here != (None, None) and here[0] in (right, None) and here[1] in (below, None):
                return name
        return None

    grid = [[standing(right, below) for right in across] for below in down]
    return pd.DataFrame(
        grid,
        index=pd.Index(down, dtype=object),
        columns=pd.Index(across, dtype=object),
        dtype=object,
    )


@page.styled
def heatmap(
    cells: pd.DataFrame,
    *,
    x: str,
    y: str,
    base: str,
    alpha: float = 0.1,
    ending: str = "",
) -> Figure:
    """PCK over two axes, one panel per data set; the frame is the base, the bold number the best.

    Args:
        cells: see `study.analysis.contrasts`.
        x, y, base: as for `layout`.
        alpha: threshold of PCK.
        ending: of the note.

    Returns:
        The figure. A cell is the mean over the measured seeds; what was not measured is grey, with
        a dash.

    Raises:
        SD4MatchError: an unknown axis, fewer than two values each, or nothing was measured.
    """
    table = configurations(cells)
    for axis in (x, y):
        require_known(axis, [name for name in table[base] if name != SEED], what="axis")
    where = layout(table, x=x, y=y, base=base)
    if x == y or min(where.shape, default=0) < 2:
        raise SD4MatchError(
            f"{x} × {y}: no configurations around {base} vary both; "
            f"pairs that do: {'; '.join(' '.join(p) for p in pairs(table, base=base)) or 'none'}"
        )
    wanted = columns(cells, [alpha])[0][2]
    keys = [str(key) for key in where.to_numpy().ravel() if key is not None]
    places = drawable(cells, keys, f"{x} × {y}")
    stacked = where.shape[1] > _BESIDE and len(places) > 1
    rows = len(places) if stacked else 1
    width = page.COLUMN if len(places) == 1 else page.TEXT / (1 if stacked else len(places))
    numbers = (width - 0.6) / where.shape[1] >= _NUMBER
    upright = max(len(labels.value(v)) for v in where.columns) * where.shape[1] > (
        60 if stacked else 22
    )
    height = rows * (0.75 + max(0.95, 0.21 * len(where)) + 0.25 * upright) + 0.45
    figure, panels = page.of_places(places, height=height, columns=1 if stacked else None)
    for panel, place in zip(panels, places, strict=True):
        part = at(cells[np.isclose(cells["alpha"], wanted)], *place)
        pck = mean_of_seeds(part.set_index("configuration")["pck"].astype(float), part)
        values = where.map(lambda key, pck=pck: pck.get(key, np.nan)).astype(float)
        _mesh(panel, 100 * values, where, base=base, upright=upright, numbers=numbers)
        panel.set_xlabel(labels.axis(x))
    for i, panel in enumerate(panels):
        first = stacked or i == 0
        panel.set_ylabel(labels.axis(y) if first else "")
        texts = [page.shortened(labels.value(v), 22) for v in where.index]
        panel.set_yticks(np.arange(len(where)) + 0.5, texts if first else [""] * len(where))
    page.note(
        figure,
        f"PCK@{wanted:g} in %; frame: {labels.value(table[base][x])}, "
        f"{labels.value(table[base][y])}; bold: the highest. "
        f"Other axes: {elsewhere(table, base, free=(x, y))}. "
        f"{ending}",
    )
    return figure


def _mesh(
    panel: Axes,
    percent: pd.DataFrame,
    where: pd.DataFrame,
    *,
    base: str,
    upright: bool,
    numbers: bool,
) -> None:
    values = percent.to_numpy()
    low, high = np.nanmin(values), np.nanmax(values)
    slack = max(0.0, 2.0 - (high - low)) / 2  # at least two points of PCK
    mesh = panel.pcolormesh(
        np.ma.masked_invalid(values), cmap=MAP, vmin=low - slack, vmax=high + slack, linewidth=0
    )
    panel.set_facecolor(page.PALE)
    panel.set_xticks(
        np.arange(values.shape[1]) + 0.5,
        [page.shortened(labels.value(v), 18) for v in percent.columns],
        rotation=90 if upright else 0,
    )
    panel.set_ylim(len(values), 0)
    panel.tick_params(length=0)
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    dark = colormaps[MAP]
    for (row, column), value in np.ndenumerate(values if numbers else np.empty((0, 0))):
        share = (value - low + slack) / (high - low + 2 * slack)
        bright = np.isnan(value) or np.mean(dark(share)[:3]) > 0.5
        panel.text(
            column + 0.5, row + 0.5, labels.MISSING if np.isnan(value) else f"{value:.1f}",
            ha="center", va="center", fontsize=5.5, color="black" if bright else "white",
            fontweight="bold" if value == high else "normal",
        )  # fmt: skip
    for row, column in zip(*np.nonzero((where == base).to_numpy()), strict=True):
        frame = Rectangle(
            (column + 0.04, row + 0.04), 0.92, 0.92, fill=False, edgecolor="white", linewidth=1,
            path_effects=[effects.withStroke(linewidth=2.4, foreground="black")],
        )  # fmt: skip
        panel.add_patch(frame)
    bar = panel.figure.colorbar(
        mesh, ax=panel, fraction=0.06, pad=0.02, aspect=18, ticks=MaxNLocator(4)
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=6, length=2)


def _choices(study: Results) -> list[Names]:
    found = pairs(configurations(study.cells), base=middle(study))
    # Any two can be asked for; these are what papers show.
    ranked = sorted(found, key=lambda pair: [set(pair) != {*each} for each in _USUAL])
    return ranked[:_MOST]


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    x, y = names
    cells, base = study.cells, middle(study)
    keys = around(configurations(cells), base=base, free=names)
    return heatmap(cells, x=x, y=y, base=base, alpha=alpha, ending=closing(study, keys))


KIND = Kind(
    name="heatmap",
    shows="PCK over two axes",
    lacks="two axes that vary together (design: factorial)",
    choices=_choices,
    draw=_draw,
    takes="two axes, such as timestep layer",
    counts=(2, 2),
)
