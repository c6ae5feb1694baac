"""What accuracy costs: PCK against the operations that matching an image takes."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from sd4match.datasets import object_name
from sd4match.errors import SD4MatchError
from study.analysis.rows import configurations, over_seeds, representatives, value
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import fidelity, told_apart

if TYPE_CHECKING:
    from study.study import Study

COSTLY = ("backbone", "image_size", "ensemble", "layer", "source")
"""The axes that change what matching an image costs."""
_MOST = 8  # points of the front that are named


def cost(study: "Study") -> "pd.Series[float]":
    """Planned TFLOP an image of every configuration, as `study.search.objectives` counts them.

    A prompt from a file counts each image once, as all prompts but those that read pairs do.

    Raises:
        SD4MatchError: the architecture of a backbone is not known here.
    """
    from sd4match.prompts.cpm import SOURCES
    from study.plan.cost import Costs  # it takes torch with it
    from study.plan.inputs import Machine

    costs = Costs()
    index = study.index
    images, pairs = {}, {}
    for data in index["data"].unique():
        _, table = study.folder.store.read_truth(str(data))
        objects = table["category"].map(object_name)
        seen = {*zip(objects, table["source"], strict=True)} | {
            *zip(objects, table["target"], strict=True)
        }
        images[data], pairs[data] = len(seen), len(table)
    found = {}
    for key, cells in index.groupby("configuration", sort=False):
        row = cells.iloc[0]
        machine = Machine(str(row["backbone"]), "", "", "", 1, 1)
        size, layer = int(row["image_size"]), int(row["layer"])
        of_pairs = not pd.isna(row["source"]) and SOURCES[str(row["source"])][0]
        n = sum(images[data] for data in cells["data"])
        # By image from the start: sums would round otherwise where other splits were measured.
        passes = 2 * sum(pairs[data] for data in cells["data"]) / max(1, n) if of_pairs else 1
        unet = passes * int(row["ensemble"]) * costs.unet(machine, size, layer)
        found[str(key)] = (costs.encode(machine, size, 1) + unet) / 1e12
    return pd.Series(found, name="tflop")


def front(points: pd.DataFrame) -> list[str]:
    """The configurations that no other beats in both, the cheapest first.

    Args:
        points: by configuration: ``tflop`` and ``pck``.
    """
    ranked = points.sort_values(["tflop", "pck"], ascending=[True, False], kind="stable")
    best = ranked["pck"].astype(float).cummax().shift(fill_value=-np.inf)
    return [str(key) for key in ranked.index[ranked["pck"] > best]]


@page.styled
def pareto(
    points: pd.DataFrame,
    *,
    names: dict[str, str],
    measure: str,
    baseline: str,
    fidelity: str = "full",
) -> Figure:
    """PCK against cost with the Pareto front, whose points are numbered and named.

    Args:
        points: by configuration: ``tflop`` an image and ``pck`` in percent.
        names: of the configurations on the front.
        measure: the metric in words.
        baseline: is marked, where it is among the points.
        fidelity: what was cut short, in words.

    Returns:
        The figure.
    """
    best = front(points)
    scale, unit = page.operations(float(points["tflop"].max()))
    points = points.assign(cost=scale * points["tflop"])
    told = best if len(best) <= _MOST else [*best[: _MOST - 1], best[-1]]
    figure, (panel,) = page.page(1, height=2.6 + 0.13 * len(told))
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
    for key in told:
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
    panel.set_xlabel(f"cost ({unit} an image)")
    panel.set_ylabel(f"{measure} (%)")
    page.limits(panel, "y")
    page.key(figure, panel.get_legend_handles_labels()[0])
    lines = [f"{best.index(k) + 1}  {page.shortened(names[k], 74)}" for k in told]
    if len(told) < len(best):
        lines.insert(-1, f"…  {len(best) - len(told)} more")
    lines.append(textwrap.fill(f"Fidelity: {fidelity}.", 74))
    figure.supxlabel("\n".join(lines), fontsize=6, color=page.GREY, x=0.01, ha="left")
    return figure


def _choices(study: "Study") -> list[Names]:
    table = configurations(study.cells)
    varies = any(len({row[axis] for row in table.values()}) > 1 for axis in COSTLY)
    return [()] if study.metric is not None and varies else []


def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    metric, cells = str(study.metric), study.cells
    scores = over_seeds(100 * value(cells, metric).dropna(), cells).rename("pck")
    if scores.empty:
        raise SD4MatchError(f"pareto: {metric} is not measured yet")
    points = pd.concat([cost(study).reindex(scores.index), scores], axis=1)
    baseline = representatives(cells, scores.index).get(study.baseline, study.baseline)
    apart = told_apart(configurations(cells), [baseline, *front(points)])
    return pareto(
        points,
        names=apart,
        measure=page.measure(metric),
        baseline=baseline,
        fidelity=fidelity(study),
    )


KIND = Kind(
    name="pareto",
    shows="PCK against cost",
    lacks="configurations that differ in cost",
    choices=_choices,
    draw=_draw,
)
