"""PCK over two axes: what stands in which cell."""

import itertools

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.rows import configurations
from study.figures import heatmap


def cell(cells, dataset, **axes):
    """PCK@0.1 on test of the configuration with these values."""
    rows = cells[(cells["dataset"] == dataset) & (cells["split"] == "test")]
    rows = rows[np.isclose(rows["alpha"], 0.1)]
    for axis, value in axes.items():
        rows = rows[rows[axis] == value]
    return 100 * rows["pck"].iloc[0]


@pytest.mark.slow
def test_cells_are_the_scores(factorial):
    figure = factorial.plot("heatmap", "timestep", "layer")
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [p.get_title() for p in panels] == ["PF-Pascal test", "PF-Willow test", "SPair-71k test"]
    drawn = panels[2].collections[0].get_array()
    wanted = [
        [
            cell(
                factorial.cells,
                "spair",
                timestep=t,
                layer=layer,
                prompt="single",
                length=4,
                kernel=3,
            )
            for t in (0, 50, 261)
        ]
        for layer in (0, 1, 2)
    ]
    assert np.asarray(drawn).reshape(3, 3) == pytest.approx(np.array(wanted))
    texts = [text.get_text() for text in panels[2].texts]
    assert texts == [f"{v:.1f}" for row in wanted for v in row]
    assert [t.get_text() for t in panels[0].get_yticklabels()] == ["0", "1", "2"]
    assert panels[0].get_xlabel() == "timestep t"
    (frame,) = panels[0].patches
    assert frame.get_xy() == pytest.approx((1.04, 1.04))  # the baseline: t = 50, layer 1
    bold = [text.get_text() for text in panels[2].texts if text.get_fontweight() == "bold"]
    assert bold == [f"{np.max(wanted):.1f}"]


def test_a_prompt_without_a_length_fills_its_row(factorial):
    where = heatmap.layout(
        configurations(factorial.cells), x="length", y="prompt", base=factorial.baseline
    )
    assert where.loc["empty"].nunique() == 1
    assert where.loc["single"].nunique() == 2


def test_one_at_a_time_has_no_pairs(made):
    table = configurations(made[0])
    assert heatmap.pairs(table, base="base") == [("timestep", "layer")]  # `other` moves both
    del table["other"]
    assert heatmap.pairs(table, base="base") == []


def test_training_that_is_tied_moves_along(made):
    cells, _ = made
    names = {"base": (50, 1), "t1": (1, 1), "l0": (50, 0), "other": (1, 0)}
    some = cells[cells["configuration"].isin(names)].copy()
    some["train.timestep"], some["train.layer"] = some["timestep"], some["layer"]
    where = heatmap.layout(configurations(some), x="timestep", y="layer", base="base")
    assert where.to_numpy().tolist() == [["other", "l0"], ["t1", "base"]]
    assert heatmap.pairs(configurations(some), base="base") == [("timestep", "layer")]


@pytest.mark.slow
def test_what_is_missing_is_a_dash(made, lose):
    cells = lose(made[0], "other", "spair")
    figure = heatmap.heatmap(cells, x="timestep", y="layer", base="base")
    panel = next(axes for axes in figure.axes if axes.get_title() == "SPair-71k test")
    values = panel.collections[0].get_array()
    assert values.mask.sum() == 2  # `other`, and nobody asked for layer 0 at 261
    assert [t.get_text() for t in panel.texts].count("–") == values.mask.sum()


@pytest.mark.slow
def test_many_values_and_long_names_fit(tmp_path):
    names = [f"{'a rather long prompt name ' * 3}{i}" for i in range(12)]
    rows = [
        {"configuration": f"{name}/{t}", "prompt": name, "timestep": t, "layer": 1, "kernel": 3.0}
        | {"dataset": dataset, "split": "test", "alpha": 0.1, "pck": 0.5, "pck_point": 0.5}
        | {"pairs": 3, "keypoints": 9, "status": "done", "reason": None}
        for name in names
        for t in range(0, 240, 10)
        for dataset in ("pf_pascal", "spair")
    ]
    figure = heatmap.heatmap(pd.DataFrame(rows), x="timestep", y="prompt", base=f"{names[0]}/0")
    figure.draw_without_rendering()
    panel = figure.axes[0]
    labels = panel.get_yticklabels()
    assert all(label.get_window_extent().x0 >= 0 for label in labels)
    assert panel.get_window_extent().width > 0.6 * figure.bbox.width
    boxes = [label.get_window_extent() for label in panel.get_xticklabels()]
    assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(boxes))


def test_nothing_that_varies_together_is_one_line(made):
    with pytest.raises(SD4MatchError, match=r"prompt × layer: .*timestep layer"):
        heatmap.heatmap(
            made[0][made[0]["configuration"] != "none"].assign(prompt="single"),
            x="prompt", y="layer", base="base",
        )  # fmt: skip
