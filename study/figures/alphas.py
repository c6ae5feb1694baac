"""PCK against alpha for a few configurations: whether one that wins at 0.1 wins at 0.05 too."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from study import labels
from study.ablation import configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import at, drawable, fidelity, find, intervals, told_apart
from study.figures.predicted import predicted
from study.metric import value

if TYPE_CHECKING:
    from study.study import Study

STEPS = 20
_MOST = 10  # lines that can be told apart
_USUAL = 6


@page.styled
def alphas(curves: pd.DataFrame, scored: pd.DataFrame, *, names: Mapping[str, str]) -> Figure:
    """PCK against alpha, a line a configuration; intervals at the study's own alphas.

    Args:
        curves: ``configuration, dataset, split, alpha, pck`` in percent, any alphas.
        scored: the same and ``low, high``, at the alphas with intervals.
        names: label of each configuration, in the order to draw them.

    Returns:
        The figure, one panel a data set.
    """
    places = list(curves[["dataset", "split"]].drop_duplicates().itertuples(index=False, name=None))
    figure, panels = page.of_places(places, height=2.6)
    keys = []
    for i, (name, label) in enumerate(names.items()):
        style: dict[str, Any] = {"color": page.PALETTE[i % 10], "zorder": 3}
        marks: dict[str, Any] = {"marker": page.MARKERS[i % 10], "markersize": 4}
        keys.append(page.swatch(label, **style, **marks))
        for panel, place in zip(panels, places, strict=True):
            line, points = (
                at(frame[frame["configuration"] == name], *place) for frame in (curves, scored)
            )
            panel.plot(line["alpha"], line["pck"], **style)
            # Side by side, so that one bar does not hide the other.
            shift = 0.0012 * (i - (len(names) - 1) / 2)
            x = points["alpha"].to_numpy(dtype=float) + shift
            panel.plot(x, points["pck"], linestyle="none", **style, **marks)
            panel.vlines(x, points["low"], points["high"], linewidth=1, **style)
    for panel in panels:
        panel.set_xlabel("threshold α")
        panel.set_xlim(0, None)
        panel.set_ylim(0, None)
        page.limits(panel, "y")
    panels[0].set_ylabel("PCK@α (%)")
    page.key(figure, keys)
    return figure


def _usual(study: "Study") -> list[str]:
    """The baseline, and the best of each prompt family, the highest first."""
    done = study.cells[study.cells["status"] == "done"]
    there = set(done["configuration"])
    if study.metric is None:
        return [name for name in (study.baseline,) if name in there]
    scores = value(study.cells, study.metric).dropna().sort_values(ascending=False, kind="stable")
    table = configurations(study.cells)
    best: dict[labels.Value, str] = {}
    for name in map(str, scores.index):
        best.setdefault(table[name]["prompt"], name)
    first = [study.baseline] if study.baseline in there else []
    return list(dict.fromkeys([*first, *best.values()]))[:_USUAL]


def _choices(study: "Study") -> list[Names]:
    return [()] if _usual(study) else []


def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    keys = list(dict.fromkeys(find(study, name) for name in names)) or _usual(study)
    places = drawable(study.cells, keys, "these configurations")
    own = [float(each) for each in study.rule.alphas]
    grid = np.linspace(0, max(0.2, *own), STEPS + 1)[1:]
    done = study.cells[study.cells["status"] == "done"]
    rows: list[tuple[object, ...]] = []
    for key in keys:
        for place in places:
            if key in set(at(done, *place)["configuration"]):
                found = predicted(study, key, *place)
                pck = (100 * float(np.nanmean(found.shares(float(each)))) for each in grid)
                rows += [(key, *place, *point) for point in zip(grid, pck, strict=True)]
    curves = pd.DataFrame(rows, columns=["configuration", "dataset", "split", "alpha", "pck"])
    scored = intervals(study.cells, study.samples, keys, places, own)
    apart = told_apart(configurations(study.cells), keys)
    named = {k: f"baseline: {v}" if k == study.baseline else v for k, v in apart.items()}
    figure = alphas(curves, scored, names=named)
    chosen = "" if names else "The baseline, and the best of each prompt family on validation. "
    page.note(
        figure,
        f"{chosen}95 % intervals (images resampled) at α = "
        f"{', '.join(f'{a:g}' for a in own)}. Fidelity: {fidelity(study)}.",
    )
    return figure


KIND = Kind(
    name="alphas",
    shows="PCK by alpha",
    lacks="anything measured",
    choices=_choices,
    draw=_draw,
    takes=f"at most {_MOST} configurations",
    counts=(0, _MOST),
)
