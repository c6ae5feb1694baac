"""The style, sizes and parts that all figures share; colors that color-blind people distinguish.

Figures belong to no window and no pyplot state. Draw and save inside ``styled``, because Matplotlib
makes tick labels only when it needs them.
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Figure  # others import it from here
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from study.space import labels
from study.space.metric import MEAN, Metric

COLUMN, TEXT = 3.5, 7.0
"""Widths of a two-column paper's column and of its page, inches."""

PALETTE: tuple[str, ...] = tuple(sns.color_palette("colorblind").as_hex())
MARKERS = "osD^vPX<>*"
"""Used together with the colors, so that lines also differ in grayscale."""
GREY, PALE = "#555555", "#e6e6e6"
DATASETS = dict(zip(labels.DATASETS, PALETTE, strict=False))
"""A data set has the same color in every figure."""
SPLITS = {"test": "test", "val": "validation"}

Place = tuple[str, str]
"""A data set and a split of it."""
Numbers = NDArray[np.floating]

_SESSION = ("backend", "interactive", "toolbar", "webagg", "keymap", "tk.", "macosx", "savefig.dir")
STYLE: dict[Any, Any] = {
    # From matplotlib's own defaults, not from what somebody's matplotlibrc says.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(_SESSION)},
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper", font_scale=0.9),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.titleweight": "bold",
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "text.parse_math": False,  # a prompt's text may hold dollars
    "pdf.fonttype": 42,  # text stays text, in the paper's PDF and in SVG
    "svg.fonttype": "none",
    "svg.hashsalt": "sd4match",
}

styled = matplotlib.rc_context(STYLE)
"""Context manager and decorator: this style inside, the caller's afterwards."""

BASELINE: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": ":", "zorder": 1}
"""The dotted line at the baseline, in every figure."""


def page(
    count: int, *, height: float, titles: Iterable[str] = (), columns: int | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure with some panels: a column wide for one panel, the page's width for more.

    Args:
        count: of panels, 1 or more.
        height: of the figure, inches.
        titles: of the panels.
        columns: panels in a row; all by default.
    """
    wide = columns or count
    width = COLUMN if count == 1 else TEXT
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    rows = -(-count // wide)
    panels = [figure.add_subplot(rows, wide, i + 1) for i in range(count)]
    for panel, title in zip(panels, titles, strict=False):
        panel.set_title(title)
    sns.despine(fig=figure)
    return figure, panels


def of_places(places: Sequence[Place], **layout: Any) -> tuple[Figure, list[Axes]]:
    """A `page` with a panel for each data set and split."""
    return page(len(places), titles=[titled(*place) for place in places], **layout)


def note(figure: Figure, text: str) -> None:
    """Small print below all panels: what was measured, and how."""
    lines = textwrap.fill(text, int(figure.get_figwidth() * 22))
    figure.supxlabel(lines, fontsize=6, color=GREY, x=0.01, ha="left")


def key(figure: Figure, handles: Sequence[Any]) -> None:
    """Explain marks above all panels, in as few rows as fit; the figure grows by the others."""
    width, height = figure.get_size_inches()
    for handle in handles:
        handle.set_label(shortened(str(handle.get_label()), int((width - 0.6) / 0.08)))
    widths = [0.5 + 0.07 * len(handle.get_label()) for handle in handles]
    rows = 1
    while rows < len(widths) and width < sum(
        max(widths[i : i + rows]) for i in range(0, len(widths), rows)
    ):
        rows += 1
    figure.set_figheight(height + 0.165 * (rows - 1))
    figure.legend(
        handles=list(handles),
        loc="outside upper center",
        ncols=-(-len(handles) // rows),
        frameon=False,
        handlelength=2.0,
        columnspacing=1.4,
    )


def swatch(label: str, **style: Any) -> Line2D:
    """An entry of ``key`` that is drawn as a line or marker of some style."""
    return Line2D([], [], label=label, **style)


def titled(dataset: str, split: str) -> str:
    """A panel's title: a data set and its split."""
    return f"{labels.dataset(dataset)} {SPLITS.get(split, split)}"


def operations(tflop: float) -> tuple[float, str]:
    """A factor for TFLOP, and the unit it gives: GFLOP for small models."""
    return (1000.0, "GFLOP") if tflop < 0.1 else (1.0, "TFLOP")


def measure(metric: str) -> str:
    """A metric in words: ``SPair-71k validation PCK@0.1``."""
    parsed = Metric.parse(metric)
    where = "mean" if parsed.dataset == MEAN else labels.dataset(parsed.dataset)
    average = " per keypoint" if parsed.point else ""
    return f"{where} {SPLITS.get(parsed.split, parsed.split)} PCK@{parsed.alpha:g}{average}"


def shortened(text: str, most: int) -> str:
    """A text cut to so many characters in its middle, since names differ at the end."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def limits(panel: Axes, side: Literal["x", "y"]) -> None:
    """Grid across the measure only, and a range of percents that does not blow noise up."""
    low, high = getattr(panel, f"get_{side}lim")()
    slack = max(0.0, 2.0 - (high - low)) / 2  # at least two points of PCK
    panel.set(**{f"{side}lim": (max(low - slack, -2.0), min(high + slack, 102.0))})
    panel.grid(visible=False, axis="x" if side == "y" else "y")


def positions(values: Sequence[float]) -> dict[float, float]:
    """Positions of numbers: to scale where their labels fit, otherwise one step apart."""
    gaps = np.diff(values)
    to_scale = len(values) < 3 or gaps.min() / gaps.sum() > 1 / 12
    return {value: float(value if to_scale else i) for i, value in enumerate(values)}


def ticks(panel: Axes, at: dict[float, float]) -> None:
    """Label numbers at their ``positions``; labels that would overlap are turned upright."""
    texts = [labels.value(v) for v in at]
    panel.set_xticks(list(at.values()), texts)
    panel.margins(x=0.06)
    if len(at) * max(map(len, texts)) > 14 * panel.bbox.width / panel.figure.dpi:
        panel.tick_params("x", rotation=90, labelsize=7)


def curve(
    panel: Axes, x: Numbers, estimates: pd.DataFrame, *, filled: bool = True, **style: Any
) -> None:
    """A line through estimates with a band of their intervals; an isolated point gets a bar.

    Args:
        panel: where.
        x: (N,) positions.
        estimates: N rows of ``pck, low, high`` in percent; NaN breaks the line.
        filled: a filled band; thin lines around it otherwise, for a second fill hides the first.
        style: of the line and its marks.
    """
    pck, low, high = (estimates[name].to_numpy(dtype=float) for name in ("pck", "low", "high"))
    panel.plot(x, pck, **{"markersize": 4, "zorder": 3} | style)
    color = style["color"]
    if filled:
        panel.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    else:
        thin = {"linestyle": style.get("linestyle", "-"), "linewidth": 0.7, "alpha": 0.6}
        panel.plot(x, low, x, high, color=color, **thin)
    known = np.concatenate([[False], np.isfinite(pck), [False]])
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    if alone.any():
        panel.vlines(x[alone], low[alone], high[alone], color=color, linewidth=1.2)
