"""Images in rows on a page."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from sd4match.errors import SD4MatchError
from sd4match.visualize.image_page import WIDTH, check_path, footnote, panels, save, show, title

sizes = st.tuples(st.integers(50, 4000), st.integers(50, 4000))


def inches(axes):
    """Left, bottom, width and height."""
    box = axes.get_window_extent()
    return np.array([box.x0, box.y0, box.width, box.height]) / axes.figure.dpi


@pytest.mark.slow
@given(
    rows=st.lists(st.lists(sizes, min_size=1, max_size=6), min_size=1, max_size=4),
    tallest=st.floats(0.5, 4),
)
@settings(max_examples=25, deadline=None)
def test_images_keep_their_shape_in_their_row(rows, tallest):
    figure, axes = panels(rows, tallest=tallest)
    assert [len(row) for row in axes] == [len(row) for row in rows]
    assert figure.get_figwidth() <= WIDTH + 1e-9
    below = figure.get_figheight()
    for row, own in zip(rows, axes, strict=True):
        boxes = np.array([inches(panel) for panel in own])
        assert boxes[:, 2] / boxes[:, 3] == pytest.approx([w / h for w, h in row])
        assert boxes[:, 3] == pytest.approx(boxes[0, 3])
        assert (boxes[:, 3] <= tallest + 1e-9).all()
        assert (boxes[1:, 0] > boxes[:-1, 0] + boxes[:-1, 2]).all()
        assert boxes[-1, 0] + boxes[-1, 2] < figure.get_figwidth()
        assert boxes[0, 1] + boxes[0, 3] < below
        below = boxes[0, 1]
    assert below > 0


def test_a_page_is_no_wider_than_needed():
    assert panels([[(100, 100)] * 6])[0].get_figwidth() == pytest.approx(WIDTH)
    assert panels([[(100, 100)]], tallest=2)[0].get_figwidth() == pytest.approx(2.12)
    assert panels([[(100, 100)]], tallest=2, foot=0.3)[0].get_figwidth() == 2.8


def test_what_is_left_over_is_no_larger_than_the_rest():
    _, (first, last) = panels([[(100, 100)] * 4, [(100, 100)]])
    assert inches(last[0])[3] == pytest.approx(inches(first[0])[3])


@pytest.mark.slow
def test_axes_count_in_the_images_pixels():
    image = Image.new("RGB", (3000, 2000))
    _, [[axes]] = panels([[image.size]])
    show(axes, image)
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 3000), (2000, 0))
    (drawn,) = axes.images
    assert list(drawn.get_extent()) == [0, 3000, 2000, 0]
    assert max(drawn.get_array().shape) <= 1600  # what a page cannot show is not kept


def test_long_titles_are_cut_and_nothing_is_mathematics():
    figure, [row] = panels([[(100, 100)] * 5], foot=0.25)
    title(row[0], "a" * 80, fit=True)
    title(row[1], "$x$", fit=True)
    footnote(figure, "cost: $5_$ " * 60)
    assert row[0].get_title(loc="left").endswith("a…")
    figure.canvas.draw()
    assert row[0].title.get_window_extent().width < row[0].get_window_extent().width
    assert row[1].get_title(loc="left") == "$x$"
    note = figure.texts[-1].get_window_extent()
    assert note.x1 < figure.bbox.x1
    assert note.y1 < row[0].get_window_extent().y0


@pytest.mark.slow
def test_no_window_and_no_global_state():
    assert type(panels([[(1, 1)]])[0].canvas) is FigureCanvasAgg
    code = (
        "import matplotlib, sys; before = dict(matplotlib.rcParams);"
        "from sd4match.visualize import correlation_maps, generation, image_page;"
        "from sd4match.visualize import pair_grid, principal_colours;"
        "image_page.panels([[(1, 1)]]);"
        "assert dict(matplotlib.rcParams) == before;"
        "import matplotlib.pyplot as plt; assert not plt.get_fignums()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def figure():
    made = Figure(figsize=(1.5, 1))
    made.add_subplot().plot([0, 1], [1, 0], label="a")
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".PDF", b"%PDF"), (".svg", b"<?xml")]
)
def test_the_suffix_is_the_format_and_bytes_repeat(tmp_path, suffix, start):
    before = dict(matplotlib.rcParams)
    paths = [tmp_path / folder / f"x{suffix}" for folder in ("a", "b")]
    for path in paths:
        save(figure(), path)
    first, again = (path.read_bytes() for path in paths)
    assert first.startswith(start)
    assert first == again
    assert [path.name for path in paths[0].parent.iterdir()] == [f"x{suffix}"]
    assert dict(matplotlib.rcParams) == before


def test_png_has_300_dots_an_inch(tmp_path):
    save(figure(), tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert image.size == (450, 300)


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.png"
    save(figure(), path)
    before = path.read_bytes()
    broken = figure()
    broken.text(0, 0, "$\\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        save(broken, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.parametrize("name", ["x.jpg", "x", "png"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(SD4MatchError, match=r"must end in \.png, \.pdf, \.svg"):
        check_path(tmp_path / name)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(SD4MatchError, match="is a folder"):
        save(figure(), tmp_path / "x.png")
