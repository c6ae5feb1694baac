"""Figure of PCK against cost: planned floating-point operations per image."""

import textwrap

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from sd4match.errors import SD4MatchError
from study.analysis.choosing import costs, pareto_front
from study.analysis.results import Results
from study.analysis.rows import configurations, over_seeds, representatives, value
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import closing, distinguished

_MOST = 8  # points of the front that are named


def front(points: pd.DataFrame) -> list[str]:
    """The configurations of the Pareto front, the cheapest first.

    Args:
        points: by configuration: ``tflop`` and ``pck``.
    """
    found = pareto_front(points[["tflop", "pck"]].to_numpy(dtype=float), [False, True])
    return [str(key) for key in points.index[found]]


@page.styled
def pareto(
    points: pd.DataFrame,
    *,
    names: dict[str, str],
    measure: str,
    baseline: str,
    ending: str = "",
) -> Figure:
    """PCK against cost with the Pareto front, whose points are numbered and named.

    Args:
        points: by configuration: ``tflop`` an image and ``pck`` in percent.
        names: of the configurations on the front.
        measure: the metric in words.
        baseline: is marked, where it is among the points.
        ending: of the note.

    Returns:
        The figure.
    """
    best = front(points)
    scale, unit = page.operations(float(points["tflop"].max()))
    points = points.assign(cost=scale * points["tflop"])
    named = best if len(best) <= _MOST else [*best[: _MOST - 1], best[-1]]
    figure, (panel,) = page.page(1, height=2.6 + 0.13 * len(named))
    panel.plot(
        points["cost"], points["pck"], "o",
        color=page.GREY, markersize=3, alpha=0.5, markeredgewidth=0, label="configuration",
    )  # fmt: skip
    x, y = points.loc[best, "cost"].to_numpy(), points.loc[best, "pck"].to_numpy()
    panel.plot(
        x, y, drawstyle="steps-post", marker="o", color=page.PALETTE[0], markersize=4.5,
        label="Pareto front", zorder=3,
    )  # fmt: skip
    if baseline in points.index:
        own = points.loc[[baseline]]
        panel.plot(
            own["cost"], own["pck"], "D",
            mfc="none", mec="black", markersize=7, mew=0.9, label="baseline", zorder=4,
        )  # fmt: skip
    for key in named:
        panel.annotate(
            str(best.index(key) + 1), (points.loc[key, "cost"], points.loc[key, "pck"]),
            xytext=(-3, 3), textcoords="offset points", ha="right", va="bottom",
            fontsize=6.5, fontweight="bold", color=page.PALETTE[0],
        )  # fmt: skip
    if points["cost"].max() > 5 * points["cost"].min():
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    panel.margins(x=0.08)
    panel.set_xlabel(f"cost ({unit} per image)")
    panel.set_ylabel(f"{measure} (%)")
    page.limits(panel, "y")
    page.key(figure, panel.get_legend_handles_labels()[0])
    lines = [f"{best.index(k) + 1}  {page.shortened(names[k], 74)}" for k in named]
    if len(named) < len(best):
        lines.insert(-1, f"…  {len(best) - len(named)} more")
    lines.append(textwrap.fill(ending, 74))
    figure.supxlabel("\n".join(lines), fontsize=6, color=page.GREY, x=0.01, ha="left")
    return figure


def _choices(study: Results) -> list[Names]:
    try:
        varies = costs(study).nunique() > 1
    except SD4MatchError:  # planned before costs were recorded
        return []
    return [()] if study.metric is not None and varies else []


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    metric, cells = str(study.metric), study.cells
    scores = over_seeds(100 * value(cells, metric).dropna(), cells).rename("pck")
    if scores.empty:
        raise SD4MatchError(f"pareto: {metric} is not measured yet")
    points = pd.concat([costs(study).rename("tflop").reindex(scores.index), scores], axis=1)
    baseline = representatives(cells, scores.index).get(study.baseline, study.baseline)
    apart = distinguished(configurations(cells), [baseline, *front(points)])
    return pareto(
        points,
        names=apart,
        measure=page.measure(metric),
        baseline=baseline,
        ending=closing(study, scores.index),
    )


KIND = Kind(
    name="pareto",
    shows="PCK against cost",
    lacks="configurations that differ in cost",
    choices=_choices,
    draw=_draw,
)
