"""Published ablation curves below a study's own."""

import pytest

from sd4match.errors import SD4MatchError
from study.analysis.published import curves
from study.figures import axis as kind
from study.figures.literature import Below


def varied(made, **values):
    """The made-up study with the rows of ``t1`` changed along another axis alone."""
    cells, samples = made
    other = cells["configuration"] == "t1"
    cells["timestep"] = 50
    for name, value in values.items():
        cells.loc[other, name] = value
    return cells[cells["configuration"].isin(["base", "t1"])], samples


def grey(panel):
    return [line for line in panel.lines if line.get_color() == "#8f8f8f"]


@pytest.mark.slow
def test_numbers_are_lines_at_their_own_values(made):
    cells, samples = made
    figure = kind.ablation(cells, samples, axis="timestep", baseline="base", published=True)
    pascal, _, spair = figure.axes
    assert not grey(pascal)
    lines = {line.get_marker(): line for line in grey(spair)}
    known = curves("timestep", "spair", 0.1)
    assert len(grey(spair)) == len(known) == 7
    implicit = lines["o"]
    assert list(implicit.get_ydata()) == [54.93, 55.67, 56.18, 55.11, 55.11]
    # Own values are 1, 50 and 261; those below and above them have places of their own.
    texts = [tick.get_text() for tick in spair.get_xticklabels()]
    assert texts == ["0", "1", "50", "261", "300", "400", "500", "600"]
    where = dict(zip(texts, spair.get_xticks(), strict=True))
    x = implicit.get_xdata()
    assert [x[0], x[1]] == [where["0"], where["50"]]
    assert where["50"] < x[2] < x[3] < x[4] < where["261"]
    across = next(line for line in grey(spair) if list(line.get_ydata()) == [61.43, 61.43])
    assert list(across.get_xdata()) == [0, 1]
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown[-7:] == list(known)
    note = figure.get_supxlabel().replace("\n", " ")
    assert "Grey: published" in note
    assert "SD+DINO's supplement" in note
    assert "read off a plot" in note


@pytest.mark.slow
def test_names_are_points_on_rows_of_their_own(made):
    cells, samples = varied(made, backbone="tiny")
    figure = kind.ablation(cells, samples, axis="backbone", baseline="base", published=True)
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names[:2] == ["nano", "tiny"]
    assert names[2:] == ["SD-tiny", "SD-small", "SD 1-3", "SD 1-5", "SD 2-1-base", "SD-XL"]
    (points,) = grey(figure.axes[2])
    assert dict(zip(points.get_ydata(), points.get_xdata(), strict=True)) == {
        2: 41.07, 3: 51.05, 4: 55.3, 5: 55.9, 6: 54.43, 7: 56.46,
    }  # fmt: skip


@pytest.mark.slow
def test_without_the_option_nothing_is_grey(made):
    cells, samples = made
    figure = kind.ablation(cells, samples, axis="timestep", baseline="base")
    assert not any(map(grey, figure.axes))
    assert "published" not in figure.get_supxlabel()


@pytest.mark.parametrize(
    ("axis", "datasets", "alpha"),
    [("layer", ["spair"], 0.1), ("timestep", ["pf_pascal"], 0.1), ("timestep", ["spair"], 0.05)],
)
def test_curves_of_another_axis_data_set_or_alpha_are_refused(axis, datasets, alpha):
    with pytest.raises(SD4MatchError, match=f"no published curve of {axis} on .*timestep on SPair"):
        Below.of(axis, datasets, alpha)


def test_values_outside_the_study_s_own_are_added():
    below = Below.of("image_size", ["spair"], 0.1)
    assert below.beyond([768.0]) == [512, 768, 960]
    assert below.beyond([512.0, 1024.0]) == [512, 1024]
    assert not below.names
    assert Below({}).beyond([1.0]) == [1.0]
