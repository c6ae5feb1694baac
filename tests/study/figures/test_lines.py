"""Prompt families by length, kernel widths by alpha, PCK by alpha."""

import numpy as np
import pytest

from study.analysis.statistics.stats import interval
from study.figures.alphas import STEPS
from study.figures.predictions import predicted


def of(study, place, alpha, **axes):
    """Keys and samples of the configurations with these values, by the value of the last axis."""
    settings = study.configurations()
    for axis, value in axes.items():
        settings = settings[settings[axis] == value]
    return {key: study.samples(key, *place, alpha) for key in settings.index}


def test_families_are_lines_and_those_without_a_length_go_across(factorial):
    figure = factorial.plot("families")
    panel = figure.axes[-1]
    assert panel.get_title() == "SPair-71k test"
    at = {"timestep": 50, "layer": 1, "kernel": 3}
    lines = {line.get_color(): line for line in panel.lines}
    legend = figure.legends[0]
    colors = {
        text.get_text(): handle.get_color()
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    assert list(colors) == ["single", "empty", "class"]
    for name in ("single", "class"):
        found = of(factorial, ("spair", "test"), 0.1, prompt=name, **at)
        means = [100 * each.pck.mean() for each in found.values()]
        line = lines[colors[name]]
        assert list(line.get_ydata()) == pytest.approx(means)
        assert list(line.get_xdata()) == [4, 16]
    (empty,) = of(factorial, ("spair", "test"), 0.1, prompt="empty", **at).values()
    assert lines[colors["empty"]].get_ydata()[0] == pytest.approx(100 * empty.pck.mean())
    bands = [100 * interval(each).low for each in found.values()]
    assert panel.collections[-1].get_paths()[0].vertices[:, 1].min() == pytest.approx(min(bands))


def test_kernel_widths_have_a_line_an_alpha_and_a_ring_at_the_best(factorial):
    panel = factorial.plot("kernel").axes[-1]
    at = {"prompt": "single", "length": 4, "timestep": 50, "layer": 1}
    lines = [
        line for line in panel.lines if len(line.get_xdata()) == 2 and line.get_marker() != "None"
    ]
    for line, alpha in zip(lines, (0.05, 0.1, 0.15), strict=True):
        means = [
            100 * samples.pck.mean()
            for samples in of(factorial, ("spair", "test"), alpha, **at).values()
        ]
        assert list(line.get_xdata()) == [3, 7]
        assert list(line.get_ydata()) == pytest.approx(means)
    rings = [line.get_ydata()[0] for line in panel.lines if line.get_markersize() == 8]
    assert rings == [pytest.approx(max(line.get_ydata())) for line in lines]


def test_alphas_draw_curves_through_the_scores(factorial):
    figure = factorial.plot("alphas", "baseline", "best")
    panel = figure.axes[-1]
    curve, points = panel.lines[:2]
    assert len(curve.get_xdata()) == STEPS
    assert (np.diff(curve.get_ydata()) >= 0).all()
    scored = [
        100 * factorial.samples(factorial.baseline, "spair", "test", a).pck.mean()
        for a in (0.05, 0.1, 0.15)
    ]
    assert list(points.get_ydata()) == pytest.approx(scored)
    on_curve = dict(zip(np.round(curve.get_xdata(), 3), curve.get_ydata(), strict=True))
    assert [on_curve[a] for a in (0.05, 0.1, 0.15)] == pytest.approx(scored)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0].startswith("baseline: ")
    assert len(texts) == 2


def test_predictions_give_the_scores_of_pairs(factorial):
    found = predicted(factorial, factorial.baseline, "pf_pascal", "test")
    shares = found.shares(0.1)
    own = factorial.samples(factorial.baseline, "pf_pascal", "test", 0.1)
    assert shares[np.isfinite(shares)] == pytest.approx(own.pck)
