"""Figures of an ablation: PCK along one axis, one panel a data set."""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sd4match.atomic import atomic_path
from sd4match.errors import SD4MatchError
from study import labels
from study.ablation import Samples, configurations, estimates

_COLORS = dict(zip(labels.DATASETS, sns.color_palette("colorblind").as_hex(), strict=False))
_GREY = "#555555"
_STYLE = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper", font_scale=0.9),
    "axes.grid": True,
    "axes.edgecolor": _GREY,
    "axes.titleweight": "bold",
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
    "pdf.fonttype": 42,  # text stays text in the paper's PDF
}
_SPLITS = {"test": "test", "val": "validation"}
_GONE: dict[str, Any] = {
    "marker": "x", "linestyle": "none", "color": _GREY, "markersize": 4, "clip_on": False,
    "in_layout": False,
}  # fmt: skip


def ablation(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    axis: str,
    baseline: str,
    alpha: float = 0.1,
    fidelity: str = "full",
    resamples: int = 2000,
    seed: int = 0,
) -> Figure:
    """PCK along one axis around the baseline, with 95 % intervals.

    Numbers make lines with bands, names make points with bars. Test is solid and filled,
    validation dashed and open; the dotted grey line is the baseline.

    Args:
        cells, samples, axis, baseline, resamples, seed: as for `study.ablation.estimates`.
        alpha: threshold of PCK.
        fidelity: what was cut short, in words; ``full`` for nothing.

    Returns:
        A figure of a paper's width (3.5 in for one data set, about 7 in for three), bound to no
        window and no pyplot state.

    Raises:
        SD4MatchError: as `study.ablation.estimates`; when nothing of this axis was measured.
    """
    found = estimates(
        cells,
        samples,
        axis=axis,
        baseline=baseline,
        alphas=[alpha],
        resamples=resamples,
        seed=seed,
    )
    if found["pck"].isna().all():
        raise SD4MatchError(f"nothing of axis {axis} is measured yet: {found['reason'].iloc[0]}")
    chosen = found["configuration"].unique()
    values = found["value"].unique().tolist()
    numbers = len(values) == len(chosen) and all(isinstance(v, int | float) for v in values)
    table = configurations(cells)
    training = labels.training(table[name] for name in chosen)
    note = f"95 % intervals (images resampled). Training: {training}. Fidelity: {fidelity}."
    with matplotlib.rc_context(_STYLE):
        draw = _lines if numbers else _points
        return draw(found, axis=axis, measure=f"PCK@{alpha:g} (%)", note=note)


def save(figure: Figure, folder: Path, stem: str) -> list[Path]:
    """Write a figure as PNG (200 dpi) and PDF; the same figure gives the same bytes.

    Returns:
        The two paths.
    """
    paths = [folder / f"{stem}.png", folder / f"{stem}.pdf"]
    # Dates and version strings would change the bytes from day to day.
    dateless = ({"Software": None}, {"CreationDate": None, "Creator": None, "Producer": None})
    with matplotlib.rc_context(_STYLE):
        for path, metadata in zip(paths, dateless, strict=True):
            with atomic_path(path) as temporary:
                figure.savefig(temporary, dpi=200, metadata=metadata)
    return paths


def _lines(found: pd.DataFrame, *, axis: str, measure: str, note: str) -> Figure:
    values = sorted(set(found["value"].tolist()))
    at = _positions(values)
    figure, panels = _panels(found, height=2.5, note=note)
    for panel, (dataset, part) in zip(panels, found.groupby("dataset", sort=False), strict=True):
        own = at[part.loc[part["baseline"], "value"].iloc[0]]
        panel.axvline(own, color=_GREY, linewidth=1, linestyle=":", zorder=1)
        for split, rows in part.groupby("split", sort=False):
            where = rows["value"].map(at).to_numpy(dtype=float)
            pck, low, high = _percent(rows)
            style = _marks(_COLORS.get(str(dataset), _GREY), str(split))
            panel.plot(where, pck, **style)
            # A band needs two neighbours: a point that stands alone gets a bar.
            known = np.concatenate([[False], np.isfinite(pck), [False]])
            alone = known[1:-1] & ~known[:-2] & ~known[2:]
            thin = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 0.7}
            if split == "test":
                panel.fill_between(where, low, high, color=style["color"], alpha=0.15, linewidth=0)
            else:  # a second fill would hide the first
                panel.plot(where, low, where, high, **thin, alpha=0.6)
            panel.vlines(where[alone], low[alone], high[alone], **thin | {"linewidth": 1.2})
            gone = where[~known[1:-1]]
            panel.plot(
                gone, np.full(len(gone), 0.04), transform=panel.get_xaxis_transform(), **_GONE
            )
        panel.set_xticks([at[value] for value in values], [labels.value(v) for v in values])
        if len(values) > 8:
            panel.tick_params("x", rotation=90, labelsize=6)
        panel.set_xlabel(labels.axis(axis))
        panel.margins(x=0.06)
        _open(panel, "y")
    panels[0].set_ylabel(measure)
    return figure


def _points(found: pd.DataFrame, *, axis: str, measure: str, note: str) -> Figure:
    names = found.drop_duplicates("configuration")
    at = {name: i for i, name in enumerate(names["configuration"])}
    figure, panels = _panels(found, height=1.3 + 0.32 * len(at), note=note)
    for panel, (dataset, part) in zip(panels, found.groupby("dataset", sort=False), strict=True):
        own = part[part["baseline"] & (part["split"] == part["split"].iloc[0])]
        panel.axvline(100 * own["pck"].iloc[0], color=_GREY, linewidth=1, linestyle=":", zorder=1)
        splits = part["split"].unique()
        for split, rows in part.groupby("split", sort=False):
            shift = 0.3 * (list(splits).index(split) - (len(splits) - 1) / 2)
            where = rows["configuration"].map(at).to_numpy(dtype=float) + shift
            pck, low, high = _percent(rows)
            style = _marks(_COLORS.get(str(dataset), _GREY), str(split))
            bar = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.2}
            panel.hlines(where, low, high, **bar)
            panel.plot(pck, where, **style | {"linestyle": "none"})
            gone = where[~np.isfinite(pck)]
            panel.plot(
                np.full(len(gone), 0.04), gone, transform=panel.get_yaxis_transform(), **_GONE
            )
        panel.set_xlabel(measure)
        panel.set_ylim(len(at) - 0.45, -0.55)
        _open(panel, "x")
    texts = [textwrap.fill(label, 24) for label in names["label"]]
    panels[0].set_yticks(list(at.values()), texts)
    panels[0].set_ylabel(labels.axis(axis))
    for panel in panels[1:]:
        panel.set_yticks(list(at.values()), [""] * len(at))
    return figure


def _panels(found: pd.DataFrame, *, height: float, note: str) -> tuple[Figure, list[Axes]]:
    """One panel a data set, with a legend above and the note below them."""
    datasets = found["dataset"].unique()
    width = {1: 3.5, 2: 5.25}.get(len(datasets), 7.0)
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = [figure.add_subplot(1, len(datasets), i + 1) for i in range(len(datasets))]
    for panel, dataset in zip(panels, datasets, strict=True):
        panel.set_title(labels.dataset(str(dataset)))
    sns.despine(fig=figure)
    keys = [Line2D([], [], label=_SPLITS[s], **_marks(_GREY, s)) for s in found["split"].unique()]
    keys.append(Line2D([], [], color=_GREY, linewidth=1, linestyle=":", label="baseline"))
    if found["pck"].isna().any():
        keys.append(Line2D([], [], label="missing", **_GONE))
    figure.legend(
        handles=keys, loc="outside upper center", ncols=len(keys), frameon=False, handlelength=2.6
    )
    text = textwrap.fill(note, int(width * 23))
    figure.supxlabel(text, fontsize=6, color=_GREY, x=0.01, ha="left")
    return figure, panels


def _marks(color: str, split: str) -> dict[str, Any]:
    """Test is solid and filled, validation dashed and open."""
    test = split == "test"
    style: dict[str, Any] = {"color": color, "marker": "o", "markersize": 4, "zorder": 3}
    return style | {"linestyle": "-" if test else "--", "mfc": color if test else "white"}


def _percent(rows: pd.DataFrame) -> list[NDArray[np.float64]]:
    return [100 * rows[name].to_numpy(dtype=float) for name in ("pck", "low", "high")]


def _open(panel: Axes, side: str) -> None:
    """Grid across the measure only, and a range that does not blow noise up."""
    low, high = panel.get_ylim() if side == "y" else panel.get_xlim()
    slack = max(0.0, 2.0 - (high - low)) / 2  # at least two points of PCK
    bounds = (max(low - slack, -2.0), min(high + slack, 102.0))
    if side == "y":
        panel.set_ylim(bounds)
        panel.grid(visible=False, axis="x")
    else:
        panel.set_xlim(bounds)
        panel.grid(visible=False, axis="y")


def _positions(values: list[float]) -> dict[float, float]:
    """Where the values stand: to scale when their labels then fit, else one step apart."""
    gaps = np.diff(values)
    to_scale = len(values) < 3 or gaps.min() / gaps.sum() > 1 / 12
    return {value: float(value if to_scale else i) for i, value in enumerate(values)}
