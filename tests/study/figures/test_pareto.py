"""PCK against cost, and its Pareto front."""

import numpy as np
import pandas as pd
import pytest

from study.analysis.choosing import costs
from study.analysis.rows import value
from study.figures import pareto
from study.plan.cost import tflop_per_image
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load


@pytest.mark.slow
def test_cost_is_what_the_search_was_told(searched):
    space = load(str(searched.folder.path / "study.yaml"), [])
    plan = Planner(space).plan(configurations(space))
    told = tflop_per_image(plan)
    found = costs(searched).to_dict()
    assert len(set(told) & set(found)) > 5
    assert {k: told[k] for k in told if k in found} == pytest.approx(
        {k: found[k] for k in told if k in found}
    )


@pytest.mark.slow
def test_the_front_is_what_the_search_chose_and_the_baseline(searched):
    figure = searched.plot("pareto")
    (panel,) = figure.axes
    lines = {line.get_label(): line for line in panel.lines}
    metric = "mean/val/pck@0.1"
    chosen = searched.pareto().sort_values("cost")
    # The baseline was no trial: it is measured at the end, and may beat what was chosen.
    own = value(searched.cells, metric)[searched.baseline]
    cost = costs(searched)[searched.baseline]
    beaten = (chosen["cost"] >= cost * (1 - 1e-9)) & (chosen[metric] <= own)
    kept = chosen[~beaten]
    front = lines["Pareto front"]
    drawn = dict(zip(front.get_xdata(), front.get_ydata(), strict=True))
    assert len(kept) >= 1
    for x, y in zip(1000 * kept["cost"], 100 * kept[metric], strict=True):
        assert drawn[min(drawn, key=lambda at, x=x: abs(at - x))] == pytest.approx(y)
    assert len(drawn) - len(kept) in (0, 1)
    measured = searched.cells[searched.cells["split"] == "val"]["configuration"].nunique()
    assert len(lines["configuration"].get_xdata()) == measured
    assert [text.get_text() for text in panel.texts] == [str(i + 1) for i in range(len(drawn))]


def test_equals_and_worse_ones_are_not_on_the_front():
    points = pd.DataFrame(
        {"tflop": [1, 1, 2, 3, 3], "pck": [50, 60, 60, 70, 65]}, index=list("abcde")
    )
    assert pareto.front(points) == ["b", "d"]


@pytest.mark.slow
def test_a_long_front_names_some_and_says_so():
    n = 30
    points = pd.DataFrame(
        {"tflop": np.geomspace(0.1, 90, n), "pck": np.linspace(10, 80, n)},
        index=[f"k{i}" for i in range(n)],
    )
    figure = pareto.pareto(
        points, names={k: "a long setting, " * 9 + k for k in points.index},
        measure="PCK", baseline="none",
    )  # fmt: skip
    assert "22 more" in figure.get_supxlabel()
    assert [text.get_text() for text in figure.axes[0].texts][-1] == "30"
    assert figure.axes[0].get_xlabel() == "cost (TFLOP per image)"
    figure.draw_without_rendering()
    assert figure.axes[0].get_window_extent().height > figure.dpi
