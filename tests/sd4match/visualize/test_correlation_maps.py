"""Correlation maps over the target."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from sd4match.matching.keypoints import cells_to_original
from sd4match.prediction.one_pair import Matches
from sd4match.visualize.correlation_maps import heatmaps

SIDE = 64


@pytest.fixture
def found(pair):
    """Two prompts' matches with known maps."""
    rng = np.random.default_rng(0)
    n = len(pair.source_keypoints)
    return {
        name: Matches(
            rng.uniform(5, 30, (n, 2)).astype(np.float32),
            rng.uniform(low, low + 0.5, (n, 8, 6)).astype(np.float32),
        )
        for name, low in (("empty", -0.2), ("mine", 0.3))
    }


def heat(axes):
    """The correlation map, which lies on the image."""
    _, drawn = axes.images
    return drawn


def test_rows_are_queries_and_columns_prompts(pair, found, drawn):
    figure = heatmaps(pair, found, image_size=SIDE, queries=[2, 0], note="a note")
    panels, bar = figure.axes[:-1], figure.axes[-1]
    assert len(panels) == 6
    for row, query in enumerate([2, 0]):
        source, *others = panels[3 * row : 3 * row + 3]
        assert source.get_title(loc="left") == f"keypoint {query + 1}"
        (line,) = source.lines
        np.testing.assert_array_equal(line.get_xydata()[0], pair.source_keypoints[query])
        for axes, (name, matches) in zip(others, found.items(), strict=True):
            assert axes.get_title(loc="left") == name
            np.testing.assert_array_equal(heat(axes).get_array(), matches.correlation[query])
            marks = {line.get_label(): line.get_xydata()[0] for line in axes.lines}
            np.testing.assert_array_equal(marks["predicted"], matches.positions[query])
            np.testing.assert_array_equal(marks["true position"], pair.target_keypoints[query])
    assert figure.texts[0].get_text() == "a note"
    assert bar.get_xlim() == heat(panels[1]).get_clim()


def test_all_maps_share_the_scale_of_what_is_shown(pair, found):
    figure = heatmaps(pair, found, image_size=SIDE, queries=[1])
    scales = {heat(axes).get_clim() for axes in figure.axes[1:3]}
    shown = np.stack([matches.correlation[1] for matches in found.values()])
    assert scales == {(shown.min(), shown.max())}


def test_cells_lie_where_their_positions_are_read(pair, found):
    figure = heatmaps(pair, found, image_size=SIDE)
    left, right, bottom, top = heat(figure.axes[1]).get_extent()
    h, w = 8, 6
    rows, columns = np.mgrid[:h, :w]
    cells = np.stack([columns, rows], axis=-1)
    centres = np.stack(
        [left + (columns + 0.5) * (right - left) / w, top + (rows + 0.5) * (bottom - top) / h], -1
    )
    expected = cells_to_original(cells, pair.target_size, SIDE, (h, w))
    np.testing.assert_allclose(centres, expected, atol=1e-9)
    assert figure.axes[1].get_xlim() == (0, pair.target_size[0])


def test_without_a_truth_none_is_marked_or_explained(unknown, found):
    figure = heatmaps(unknown, found, image_size=SIDE)
    assert [line.get_label() for line in figure.axes[1].lines] == ["predicted"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["query", "predicted"]


def test_the_colour_bar_shows_colours_as_they_look_on_the_image(pair, found):
    """A cell of the largest correlation over mid-grey has the colour at the bar's end."""
    figure = heatmaps(pair, found, image_size=SIDE)
    (bar,) = (each for each in figure.axes[-1].collections if isinstance(each, QuadMesh))
    last = np.array(bar.cmap(1.0))
    drawn = heat(figure.axes[1])
    over = drawn.get_alpha() * np.array(drawn.cmap(1.0))[:3] + (1 - drawn.get_alpha()) * 0.5
    np.testing.assert_allclose(last[:3], over, atol=1e-6)
    grey = np.asarray(figure.axes[1].images[0].get_array())
    assert (grey[..., 0] == grey[..., 2]).all()
    assert grey.min() >= 50
    assert grey.max() <= 205
