"""The matches of one pair, side by side."""

import dataclasses

import numpy as np
from matplotlib.patches import ConnectionPatch

from sd4match.visualize.grid import COLOURS, matches


def test_points_lines_and_numbers_are_where_they_should_be(pair, drawn):
    found = pair.target_keypoints + 1.5
    figure = matches(pair, found)
    source, target, top = figure.axes
    assert [panel.get_title(loc="left") for panel in (source, target)] == ["source", "target"]
    assert source.get_xlim() == (0, pair.source_size[0])
    assert target.get_ylim() == (pair.target_size[1], 0)
    for panel, points in ((source, pair.source_keypoints), (target, found)):
        np.testing.assert_array_equal(drawn(top, panel.transData)["o"], points)
        numbers = {t.get_text(): t.xy for t in top.texts if t.xycoords == panel.transData}
        assert list(numbers) == [str(i + 1) for i in range(len(points))]
        np.testing.assert_array_equal(list(numbers.values()), points)
    lines = [artist for artist in top.patches if isinstance(artist, ConnectionPatch)]
    np.testing.assert_array_equal([line.xy1 for line in lines], pair.source_keypoints)
    np.testing.assert_array_equal([line.xy2 for line in lines], found)


def test_a_match_has_one_colour_and_its_neighbour_another(pair):
    figure = matches(pair, pair.target_keypoints)
    top = figure.axes[-1]
    n = len(pair.source_keypoints)
    dots = [line.get_color() for line in top.lines]
    assert dots == [COLOURS[i] for i in range(n) for _ in range(2)]
    assert len(set(dots)) == n


def test_numbers_stay_on_the_page(pair):
    edge = np.tile(np.float32([pair.target_size[0], 1]), (len(pair.source_keypoints), 1))
    figure = matches(pair, edge)
    figure.canvas.draw()
    for text in figure.axes[-1].texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1


def test_no_match_is_two_images(pair):
    bare = dataclasses.replace(pair, source_keypoints=np.empty((0, 2), np.float32))
    figure = matches(bare, np.empty((0, 2)))
    assert [len(axes.images) for axes in figure.axes] == [1, 1, 0]
