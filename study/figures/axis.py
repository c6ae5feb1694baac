"""PCK along one axis around the baseline, one panel a data set."""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study import labels
from study.ablation import Samples, configurations, estimates
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import fidelity

if TYPE_CHECKING:
    from study.study import Study

_GONE: dict[str, Any] = {
    "marker": "x", "linestyle": "none", "color": page.GREY, "markersize": 4, "clip_on": False,
    "in_layout": False,
}  # fmt: skip
_SEED: dict[str, Any] = {
    "marker": "o", "linestyle": "none", "markersize": 2.4, "alpha": 0.7, "markeredgewidth": 0,
}  # fmt: skip


@page.styled
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
    validation dashed and open; the dotted grey line is the baseline. Where configurations were
    measured with several seeds, each is a small dot.

    Args:
        cells, samples, axis, baseline, resamples, seed: as for `study.ablation.estimates`.
        alpha: threshold of PCK.
        fidelity: what was cut short, in words; ``full`` for nothing.

    Returns:
        A figure of a paper's width: a column for one data set, the page for more.

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
    dots = seeds(cells, list(chosen), alpha=alpha)
    said = "95 % intervals (images resampled)."
    if len(dots):
        said += " Small dots: single seeds."
    draw = _lines if numbers else _points
    figure = draw(found, dots, axis=axis, measure=f"PCK@{alpha:g} (%)")
    page.note(figure, f"{said} Training: {training}. Fidelity: {fidelity}.")
    return figure


def seeds(cells: pd.DataFrame, keys: list[str], *, alpha: float) -> pd.DataFrame:
    """PCK of every seed of some configurations, where the study has more than one.

    Returns:
        A row a seed × data set × split: ``of`` (the key among ``keys``), ``dataset, split, pck``.
    """
    table = configurations(cells)

    def rest(name: str) -> tuple[labels.Value, ...]:
        return tuple(value for axis, value in table[name].items() if axis != "seed")

    alike: dict[tuple[labels.Value, ...], list[str]] = {}
    for name in table:
        alike.setdefault(rest(name), []).append(name)
    rows = cells[np.isclose(cells["alpha"], alpha) & cells["pck"].notna()]
    parts = [
        rows.loc[rows["configuration"].isin(twins), ["dataset", "split", "pck"]].assign(of=name)
        for name in keys
        if len(twins := alike[rest(name)]) > 1 and not set(twins) - {name} & set(keys)
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=["dataset", "split", "pck", "of"])


def _lines(found: pd.DataFrame, dots: pd.DataFrame, *, axis: str, measure: str) -> Figure:
    values = sorted(set(found["value"].tolist()))
    at = page.positions(values)
    where_is = {
        name: at[value] for name, value in zip(found["configuration"], found["value"], strict=True)
    }
    figure, panels = _panels(found, height=2.5)
    for panel, (dataset, part) in zip(panels, found.groupby("dataset", sort=False), strict=True):
        own = at[part.loc[part["baseline"], "value"].iloc[0]]
        panel.axvline(own, **page.BASELINE)
        for split, rows in part.groupby("split", sort=False):
            where = rows["value"].map(at).to_numpy(dtype=float)
            pck, low, high = _percent(rows)
            style = _marks(page.DATASETS.get(str(dataset), page.GREY), str(split))
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
            single = _of(dots, dataset, split)
            if len(single):
                panel.plot(
                    single["of"].map(where_is), 100 * single["pck"], color=style["color"], **_SEED
                )
        page.ticks(panel, at)
        panel.set_xlabel(labels.axis(axis))
        page.limits(panel, "y")
    panels[0].set_ylabel(measure)
    return figure


def _points(found: pd.DataFrame, dots: pd.DataFrame, *, axis: str, measure: str) -> Figure:
    names = found.drop_duplicates("configuration")
    at = {name: i for i, name in enumerate(names["configuration"])}
    figure, panels = _panels(found, height=1.3 + 0.32 * len(at))
    for panel, (dataset, part) in zip(panels, found.groupby("dataset", sort=False), strict=True):
        own = part[part["baseline"] & (part["split"] == part["split"].iloc[0])]
        panel.axvline(100 * own["pck"].iloc[0], **page.BASELINE)
        splits = part["split"].unique()
        for split, rows in part.groupby("split", sort=False):
            shift = 0.3 * (list(splits).index(split) - (len(splits) - 1) / 2)
            where = rows["configuration"].map(at).to_numpy(dtype=float) + shift
            pck, low, high = _percent(rows)
            style = _marks(page.DATASETS.get(str(dataset), page.GREY), str(split))
            bar = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.2}
            panel.hlines(where, low, high, **bar)
            panel.plot(pck, where, **style | {"linestyle": "none"})
            gone = where[~np.isfinite(pck)]
            panel.plot(
                np.full(len(gone), 0.04), gone, transform=panel.get_yaxis_transform(), **_GONE
            )
            single = _of(dots, dataset, split)
            if len(single):
                rows_of = single["of"].map(at).to_numpy(dtype=float) + shift + 0.1
                panel.plot(100 * single["pck"], rows_of, color=style["color"], **_SEED)
        panel.set_xlabel(measure)
        panel.set_ylim(len(at) - 0.45, -0.55)
        page.limits(panel, "x")
    texts = [textwrap.fill(page.shortened(label, 60), 24) for label in names["label"]]
    panels[0].set_yticks(list(at.values()), texts)
    panels[0].set_ylabel(labels.axis(axis))
    for panel in panels[1:]:
        panel.set_yticks(list(at.values()), [""] * len(at))
    return figure


def _panels(found: pd.DataFrame, *, height: float) -> tuple[Figure, list[Axes]]:
    """One panel a data set, with a legend above."""
    datasets = found["dataset"].unique()
    figure, panels = page.page(
        len(datasets), height=height, titles=[labels.dataset(str(name)) for name in datasets]
    )
    keys = [
        page.swatch(page.SPLITS[split], **_marks(page.GREY, split))
        for split in found["split"].unique()
    ]
    keys.append(page.swatch("baseline", **page.BASELINE))
    if found["pck"].isna().any():
        keys.append(page.swatch("missing", **_GONE))
    page.key(figure, keys)
    return figure, panels


def _of(dots: pd.DataFrame, dataset: object, split: object) -> pd.DataFrame:
    return dots[(dots["dataset"] == dataset) & (dots["split"] == split)]


def _marks(color: str, split: str) -> dict[str, Any]:
    """Test is solid and filled, validation dashed and open."""
    test = split == "test"
    style: dict[str, Any] = {"color": color, "marker": "o", "markersize": 4, "zorder": 3}
    return style | {"linestyle": "-" if test else "--", "mfc": color if test else "white"}


def _percent(rows: pd.DataFrame) -> list[NDArray[np.float64]]:
    return [100 * rows[name].to_numpy(dtype=float) for name in ("pck", "low", "high")]


def _choices(study: "Study") -> list[Names]:
    return [(axis,) for axis in study.axes]


def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    if len(names) != 1:
        raise SD4MatchError(f"a figure of kind axis takes one axis of {', '.join(study.axes)}")
    return ablation(
        study.cells,
        study.samples,
        axis=names[0],
        baseline=study.baseline,
        alpha=alpha,
        fidelity=fidelity(study),
    )


KIND = Kind(
    "axis", "PCK along an axis", "AXIS", "an axis that moves around the baseline", _choices, _draw
)
