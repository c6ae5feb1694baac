"""Pairs of a data set with what is right and wrong."""

import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import ConnectionPatch

from sd4match.errors import SD4MatchError
from sd4match.pck.ground_truth import GroundTruth
from sd4match.visualize.pair_grid import COLOURS, RIGHT, WRONG, grid, matches, ranked


@pytest.fixture
def truth(pascal):
    return GroundTruth.of(pascal["test"])


def some_correct(truth, shares):
    """The first keypoints of each pair correct, so that it has this share."""
    place = np.concatenate([np.arange(n) for n in truth.n_keypoints])
    return place < np.array(shares)[truth.pair] * truth.n_keypoints[truth.pair]


def test_ranking(truth):
    assert truth.n_keypoints[2] == 0  # it has no share, and no place in a ranking
    correct = some_correct(truth, [1, 0, 0, 0, 0.5, 0.5, 1])
    assert ranked(truth, correct, order="worst") == [1, 3, 4, 5, 0, 6]
    assert ranked(truth, correct, order="best") == [0, 6, 4, 5, 1, 3]
    drawn = ranked(truth, correct, order="random", seed=1)
    assert sorted(drawn) == [0, 1, 3, 4, 5, 6]
    assert drawn == ranked(truth, ~correct, order="random", seed=1)
    assert drawn != ranked(truth, correct, order="random", seed=2)
    with pytest.raises(SD4MatchError, match="unknown order 'worse': did you mean 'worst'"):
        ranked(truth, correct, order="worse")


def test_right_and_wrong_differ_in_shape_and_colour(pair, pascal, drawn):
    other = pascal["test"][1]
    pairs = [pair, other]
    found = [each.target_keypoints + 2 for each in pairs]
    right = [np.arange(len(points)) % 2 == 0 for points in found]
    right[0][:] = False
    figure = grid(pairs, found, right, note="a note")
    *panels, top = figure.axes
    assert len(panels) == 4
    for i, each in enumerate(pairs):
        source, target = panels[2 * i : 2 * i + 2]
        marks = drawn(top, target.transData)
        assert ("o" in marks) == bool(right[i].any())
        np.testing.assert_array_equal(marks.get("o", found[i][:0]), found[i][right[i]])
        np.testing.assert_array_equal(marks["x"], found[i][~right[i]])
        np.testing.assert_array_equal(drawn(top, source.transData)["o"], each.source_keypoints)
        dotted = [
            line.get_xydata()
            for line in top.lines
            if line.get_linestyle() == ":" and line.get_transform() == target.transData
        ]
        expected = np.stack([found[i], each.target_keypoints], axis=1)[~right[i]]
        np.testing.assert_array_equal(dotted, expected)
        share = f"{right[i].sum()}/{len(right[i])} ({right[i].mean():.0%})"
        assert source.get_title(loc="left") == f"{each.category}  {share}"
    links = [tuple(patch.get_edgecolor()[:3]) for patch in top.patches]
    names = [RIGHT if good else WRONG for good in np.concatenate(right)]
    assert links == [to_rgb(name) for name in names]
    assert figure.texts[0].get_text() == "a note"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "right",
        "wrong",
        "to the true position",
    ]


@pytest.mark.slow
def test_many_pairs_fill_rows_of_one_page(pascal):
    pairs = [each for each in pascal["test"] if len(each.source_keypoints)] * 3
    found = [each.target_keypoints for each in pairs]
    figure = grid(pairs, found, [np.ones(len(points), dtype=bool) for points in found])
    panels = figure.axes[:-1]
    assert len(panels) == 2 * len(pairs)
    assert figure.get_figwidth() <= 7
    figure.canvas.draw()
    tops = [round(panel.get_window_extent().y1) for panel in panels]
    assert tops == sorted(tops, reverse=True)
    assert tops[0::2] == tops[1::2]  # a pair is never torn apart
    assert 2 < len(set(tops)) < len(pairs)


def test_points_lines_and_numbers_are_where_they_should_be(pair, drawn):
    found = pair.target_keypoints + 1.5
    figure = matches(pair, found)
    source, target, top = figure.axes
    assert [panel.get_title(loc="left") for panel in (source, target)] == ["source", "target"]
    assert source.get_xlim() == (0, pair.source_size[0])
    assert target.get_ylim() == (pair.target_size[1], 0)
    for panel, points in ((source, pair.source_keypoints), (target, found)):
        np.testing.assert_array_equal(drawn(top, panel.transData)["o"], points)
        numbers = {t.get_text(): t.xy for t in top.texts if t.xycoords == panel.transData}  # type: ignore[attr-defined]
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
