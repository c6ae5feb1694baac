"""Lines of prompt families and of kernel widths."""

import pytest

from study.analysis.statistics.stats import interval

pytestmark = pytest.mark.slow


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
