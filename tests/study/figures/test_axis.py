import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.ablation import estimates
from study.figures import axis as kind, saving


def curve(panel):
    """The first line of a panel with as many points as the axis has values."""
    return next(line for line in panel.lines if len(line.get_xdata()) == len(panel.get_xticks()))


@pytest.mark.slow
def test_lines_draw_the_estimates(made):
    cells, samples = made
    figure = kind.ablation(cells, samples, axis="timestep", baseline="base")
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1])
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


@pytest.mark.slow
def test_names_are_points_with_bars(made):
    cells, samples = made
    figure = kind.ablation(cells, samples, axis="prompt", baseline="base")
    first, last = figure.axes[0], figure.axes[-1]
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["single", "empty", "text"]
    found = estimates(cells, samples, axis="prompt", baseline="base", alphas=[0.1])
    test = found[(found["dataset"] == "spair") & (found["split"] == "test")]
    bars = np.array([path.vertices for path in last.collections[0].get_paths()])[:, :, 0]
    assert bars == pytest.approx(100 * test[["low", "high"]].to_numpy())


@pytest.mark.slow
def test_missing_points_break_the_line_and_are_marked(made, lose):
    cells, samples = made
    figure = kind.ablation(lose(cells, "t261", "spair"), samples, axis="timestep", baseline="base")
    assert np.isnan(curve(figure.axes[2]).get_ydata()).tolist() == [False, False, True]
    assert "missing" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.slow
@pytest.mark.parametrize("datasets", [["pf_willow"], ["pf_willow", "spair"]])
@pytest.mark.parametrize("axis", ["timestep", "prompt"])
def test_fewer_data_sets_make_smaller_pictures_without_warnings(
    made, tmp_path, datasets, axis, recwarn
):
    cells, samples = made
    some = cells[cells["dataset"].isin(datasets)]
    figure = kind.ablation(some, samples, axis=axis, baseline="base")
    assert len(figure.axes) == len(datasets)
    assert figure.get_figwidth() == (3.5 if len(datasets) == 1 else 7)
    saving.save(figure, tmp_path, "small")
    assert not recwarn.list


@pytest.mark.slow
def test_single_seeds_are_dots(made):
    cells, samples = made
    twin = cells[cells["configuration"] == "base"].assign(configuration="twin", seed=1)
    twin["pck"] -= 0.07
    twin_samples = lambda name, *key: samples("base" if name == "twin" else name, *key)  # noqa: E731
    figure = kind.ablation(pd.concat([cells, twin]), twin_samples, axis="timestep", baseline="base")
    panel = figure.axes[2]
    dots = [line for line in panel.lines if line.get_markersize() == kind._SEED["markersize"]]
    of = twin[(twin["dataset"] == "spair") & (twin["alpha"] == 0.1)].set_index("split")["pck"]
    drawn = [sorted(line.get_ydata()) for line in dots]
    assert drawn == [pytest.approx([100 * of[s], 100 * of[s] + 7]) for s in ("test", "val")]
    middle = panel.get_xticks()[1]
    assert all(set(line.get_xdata()) == {middle} for line in dots)
    assert "single seeds" in figure.get_supxlabel()


def test_nothing_measured_is_one_line(made, lose):
    cells, samples = made
    for name in ("base", "t1", "t261"):
        for dataset in ("pf_pascal", "pf_willow", "spair"):
            cells = lose(cells, name, dataset)
    with pytest.raises(SD4MatchError, match="nothing of axis timestep is measured yet: out of mem"):
        kind.ablation(cells, samples, axis="timestep", baseline="base")
