"""Figures as files."""

import matplotlib
import pytest
from matplotlib.figure import Figure
from PIL import Image

from sd4match.errors import SD4MatchError
from sd4match.visualize.panels import check, save


def figure():
    made = Figure(figsize=(1.5, 1))
    made.add_subplot().plot([0, 1], [1, 0], label="a")
    return made


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
    with pytest.raises(SD4MatchError, match=r"ends in \.png, \.pdf, \.svg"):
        check(tmp_path / name)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(SD4MatchError, match="is a folder"):
        save(figure(), tmp_path / "x.png")
