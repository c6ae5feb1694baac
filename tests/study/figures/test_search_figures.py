"""What a search looks like: its history, its Pareto front, the importance of its axes."""

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.rows import value
from study.figures import history, importance, pareto
from study.plan.cost import tflop_per_image
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load


def test_history_draws_the_trials_and_the_best_so_far(searched):
    trials, objectives = history.read(searched)
    assert objectives == {"mean/val/pck@0.1": "maximize", "cost": "minimize"}
    assert len(trials) == 10
    quality, cost = searched.plot("history").axes
    best, dots = quality.lines
    values = 100 * trials["mean/val/pck@0.1"].to_numpy()
    assert best.get_ydata() == pytest.approx(np.maximum.accumulate(values))
    assert dots.get_ydata() == pytest.approx(values)
    assert list(dots.get_xdata()) == list(range(1, 11))
    assert cost.lines[0].get_ydata() == pytest.approx(
        1000 * np.minimum.accumulate(trials["cost"].to_numpy())
    )
    assert quality.get_ylabel() == "mean validation PCK@0.1 (%)"
    assert cost.get_ylabel() == "cost (GFLOP an image)"


def test_history_marks_what_has_no_value():
    trials = pd.DataFrame(
        {
            "state": ["COMPLETE", "PRUNED", "COMPLETE", "FAIL", "RUNNING"],
            "warm": [True, False, False, False, False],
            "spair/val/pck@0.1": [0.5, np.nan, 0.4, np.nan, np.nan],
        }
    )
    figure = history.history(trials, {"spair/val/pck@0.1": "maximize"})
    (panel,) = figure.axes
    lines = {line.get_label(): line for line in panel.lines}
    assert list(lines["best so far"].get_ydata()) == [50] * 5
    assert list(lines["from an earlier study"].get_xdata()) == [1]
    assert [list(lines[k].get_xdata()) for k in ("stopped early", "failed", "running")] == [
        [2], [4], [5],
    ]  # fmt: skip
    with pytest.raises(SD4MatchError, match="no trial of this search is finished"):
        history.history(trials.iloc[[1, 4]], {"spair/val/pck@0.1": "maximize"})


def test_history_of_a_search_that_still_runs(searched, tmp_path):
    import shutil

    from study.study import open_study

    copied = shutil.copytree(searched.folder.path, tmp_path / "copied")
    (copied / "search.json").unlink()
    assert len(history.read(open_study(copied))[0]) == 10


def test_cost_is_what_the_search_was_told(searched):
    space = load(str(searched.folder.path / "study.yaml"), [])
    plan = Planner(space).plan(configurations(space))
    told = tflop_per_image(plan)
    found = pareto.cost(searched).to_dict()
    assert len(set(told) & set(found)) > 5
    assert {k: told[k] for k in told if k in found} == pytest.approx(
        {k: found[k] for k in told if k in found}
    )


def test_the_front_is_what_the_search_chose_and_the_baseline(searched):
    figure = searched.plot("pareto")
    (panel,) = figure.axes
    lines = {line.get_label(): line for line in panel.lines}
    metric = "mean/val/pck@0.1"
    chosen = searched.pareto().sort_values("cost")
    # The baseline was no trial: it is measured at the end, and may beat what was chosen.
    own = value(searched.cells, metric)[searched.baseline]
    cost = pareto.cost(searched)[searched.baseline]
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
    assert figure.axes[0].get_xlabel() == "cost (TFLOP an image)"
    figure.draw_without_rendering()
    assert figure.axes[0].get_window_extent().height > figure.dpi


def frame(rows):
    return pd.DataFrame(rows, columns=["axis", "other", "kind", "value", "low", "high"])


def test_importance_draws_axes_and_pairs_by_size():
    share = "share of variance"
    found = frame(
        [
            ("layer", None, share, 0.2, 0.1, 0.3),
            ("timestep", None, share, 0.5, 0.4, 0.6),
            ("timestep", "layer", share, 0.3, np.nan, np.nan),
        ]
    )
    figure = importance.importance(found, of="mean validation PCK@0.1")
    (panel,) = figure.axes
    assert [bar.get_width() for bar in panel.patches] == pytest.approx([50, 30, 20])
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert names == ["timestep", "timestep × layer", "layer"]
    assert panel.patches[0].get_facecolor() != panel.patches[1].get_facecolor()
    assert panel.get_xlabel() == "share of variance (%)"
    segments = panel.collections[0].get_segments()
    bars = [segment[:, 0].tolist() for segment in segments if len(segment)]
    assert bars == [pytest.approx([40, 60]), pytest.approx([10, 30])]


def test_importance_of_many_axes_says_what_it_leaves_out():
    found = frame([(f"axis {i}", None, "largest difference", i / 100, 0, 1) for i in range(20)])
    figure = importance.importance(found)
    assert len(figure.axes[0].patches) == 15
    assert "5 smaller ones, at most 4.0" in figure.get_supxlabel()
    assert figure.axes[0].get_xlabel() == "largest difference (points)"
    with pytest.raises(SD4MatchError, match="no effect"):
        importance.importance(found.assign(value=np.nan))
