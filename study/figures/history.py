"""Figure of the course of a search: each trial's values, the best so far, the hypervolume."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import closing
from study.search.trials import HYPERVOLUME, journal_of, read
from study.space.metric import COST

_STATES: Mapping[str, dict[str, Any]] = {
    "PRUNED": {"marker": "|", "label": "stopped early"},
    "FAIL": {"marker": "x", "label": "failed"},
    "RUNNING": {"marker": "2", "label": "running"},
}


@page.styled
def history(trials: pd.DataFrame, objectives: Mapping[str, str]) -> Figure:
    """Every trial's value and the best so far, one panel per objective.

    With several objectives one more panel has the hypervolume of the Pareto fronts so far.

    Args:
        trials: see `study.search.trials.read`.
        objectives: name to ``maximize`` or ``minimize``.

    Returns:
        The figure: metrics in percent, cost in TFLOP per image.

    Raises:
        SD4MatchError: no trial has a value yet.
    """
    if not len(trials) or trials[list(objectives)].isna().all().all():
        raise SD4MatchError("history: no trial of this search is finished yet")
    volumes = trials.get(HYPERVOLUME)
    figure, panels = page.page(len(objectives) + (volumes is not None), height=2.5)
    number = np.arange(1, len(trials) + 1)
    warm = trials["warm"].to_numpy(dtype=bool)
    done = trials[list(objectives)].notna().all(axis=1).to_numpy()
    for panel, (name, direction) in zip(panels, objectives.items(), strict=False):
        values = trials[name].to_numpy(dtype=float)
        scale, unit = page.operations(float(np.nanmax(values))) if name == COST else (100.0, "%")
        values = scale * values
        best = np.fmax.accumulate if direction == "maximize" else np.fmin.accumulate
        panel.plot(
            number, best(values), drawstyle="steps-post", color=page.PALETTE[0],
            label="best so far",
        )  # fmt: skip
        for of, color, label in (
            (done & ~warm, page.PALETTE[1], "trial"),
            (done & warm, "#999999", "from an earlier study"),
        ):
            if of.any():
                panel.plot(
                    number[of], values[of], "o",
                    color=color, markersize=3.5, markeredgewidth=0, label=label, zorder=3,
                )  # fmt: skip
        for state, style in _STATES.items():
            of = (trials["state"] == state).to_numpy()
            if of.any():
                panel.plot(
                    number[of], np.full(of.sum(), 0.03), linestyle="none", color=page.GREY,
                    markersize=5, transform=panel.get_xaxis_transform(), **style,
                )  # fmt: skip
        words = f"cost ({unit} per image)" if name == COST else f"{page.measure(name)} (%)"
        panel.set_ylabel(words)
        if name != COST:
            page.limits(panel, "y")
    if volumes is not None:
        panels[-1].plot(number, 100 * volumes, drawstyle="steps-post", color=page.PALETTE[0])
        panels[-1].set_ylabel("hypervolume (%)")
    for panel in panels:
        panel.set_xlabel("trial")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.margins(x=0.04)
        panel.grid(visible=False, axis="x")
    page.key(figure, panels[0].get_legend_handles_labels()[0])
    return figure


def _choices(study: Results) -> list[Names]:
    return [()] if study.folder.read_search() is not None or journal_of(study).exists() else []


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    figure = history(*read(study))
    page.note(figure, closing(study, study.configurations().index))
    return figure


KIND = Kind(
    name="history",
    shows="course of the search",
    lacks="trials of a search (design: search)",
    choices=_choices,
    draw=_draw,
)
