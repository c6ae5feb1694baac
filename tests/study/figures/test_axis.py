import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from sd4match.errors import SD4MatchError
from study import figures
from study.ablation import estimates


def curve(panel):
    """The first line of a panel with as many points as the axis has values."""
    return next(line for line in panel.lines if len(line.get_xdata()) == len(panel.get_xticks()))


def test_lines_draw_the_estimates(made):
    cells, samples = made
    figure = figures.ablation(cells, samples, axis="timestep", baseline="base", resamples=100)
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1], resamples=100)
    assert [panel.get_title() for panel in figure.axes] == ["PF-Pascal", "PF-Willow", "SPair-71k"]
    spair = figure.axes[2]
    test = found[(found["dataset"] == "spair") & (found["split"] == "test")]
    assert curve(spair).get_ydata() == pytest.approx(100 * test["pck"].to_numpy())
    assert [tick.get_text() for tick in spair.get_xticklabels()] == ["1", "50", "261"]
    assert spair.get_xlabel() == "timestep t"
    assert figure.axes[0].get_ylabel() == "PCK@0.1 (%)"
    band = spair.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(100 * test["high"].max())
    assert "t = 261" in figure.get_supxlabel()
    assert figure.get_size_inches()[0] == 7


def test_names_are_points_with_bars(made):
    cells, samples = made
    figure = figures.ablation(cells, samples, axis="prompt", baseline="base", resamples=100)
    first, last = figure.axes[0], figure.axes[-1]
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["single", "empty", "text"]
    found = estimates(cells, samples, axis="prompt", baseline="base", alphas=[0.1], resamples=100)
    test = found[(found["dataset"] == "spair") & (found["split"] == "test")]
    bars = np.array(last.collections[0].get_segments())[:, :, 0]
    assert bars == pytest.approx(100 * test[["low", "high"]].to_numpy())


def test_missing_points_break_the_line_and_are_marked(made, lose):
    cells, samples = made
    figure = figures.ablation(
        lose(cells, "t261", "spair"), samples, axis="timestep", baseline="base", resamples=50
    )
    assert np.isnan(curve(figure.axes[2]).get_ydata()).tolist() == [False, False, True]
    assert "missing" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("datasets", [["pf_willow"], ["pf_willow", "spair"]])
@pytest.mark.parametrize("axis", ["timestep", "prompt"])
def test_fewer_data_sets_make_smaller_pictures_without_warnings(
    made, tmp_path, datasets, axis, recwarn
):
    cells, samples = made
    some = cells[cells["dataset"].isin(datasets)]
    figure = figures.ablation(some, samples, axis=axis, baseline="base", resamples=50)
    assert len(figure.axes) == len(datasets)
    figures.save(figure, tmp_path, "small")
    assert not recwarn.list


def test_nothing_measured_is_one_line(made, lose):
    cells, samples = made
    for name in ("base", "t1", "t261"):
        for dataset in ("pf_pascal", "pf_willow", "spair"):
            cells = lose(cells, name, dataset)
    with pytest.raises(SD4MatchError, match="nothing of axis timestep is measured yet: out of mem"):
        figures.ablation(cells, samples, axis="timestep", baseline="base")


def test_a_file_is_the_same_every_time(made, tmp_path):
    cells, samples = made
    kept = []
    for folder in ("a", "b"):
        figure = figures.ablation(cells, samples, axis="layer", baseline="base", resamples=50)
        paths = figures.save(figure, tmp_path / folder, "layer")
        kept.append([path.read_bytes() for path in paths])
    assert [path.name for path in paths] == ["layer.png", "layer.pdf"]
    assert kept[0] == kept[1]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["layer.pdf", "layer.png"]
    with Image.open(paths[0]) as image:
        assert image.size[0] == 7 * 200


def test_values_far_apart_are_one_step_apart():
    assert list(figures._positions([1, 25, 50, 100, 500]).values()) == [0, 1, 2, 3, 4]
    assert list(figures._positions([1.0, 3.0, 5.0, 15.0]).values()) == [1, 3, 5, 15]


def test_no_window_and_no_global_state(made):
    cells, samples = made
    figure = figures.ablation(cells, samples, axis="layer", baseline="base", resamples=50)
    assert type(figure.canvas) is FigureCanvasAgg
    code = (
        "import matplotlib; before = dict(matplotlib.rcParams); import study.figures;"
        "import matplotlib.pyplot as plt; assert dict(matplotlib.rcParams) == before;"
        "assert not plt.get_fignums()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
