"""Files and inline SVG of figures."""

import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from PIL import Image

from sd4match.errors import SD4MatchError
from study.figures import page, saving
from study.figures.page import styled


@styled
def figure(*, legend="a < b & $x$", height=2.0):
    made, panels = page.page(2, height=height, titles=["one", "two"])
    for panel in panels:
        panel.plot([0, 1], [1, 0], "o", clip_on=True)
    page.key(made, [page.swatch(legend, color="black")])
    page.note(made, "small print")
    return made


@pytest.mark.slow
def test_the_same_figure_is_the_same_bytes(tmp_path):
    kept = []
    for folder in ("a", "b"):
        paths = saving.save(figure(), tmp_path / folder, "one")
        kept.append([path.read_bytes() for path in paths])
    assert kept[0] == kept[1]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "one.pdf", "one.png", "one.svg",
    ]  # fmt: skip
    with Image.open(tmp_path / "a" / "one.png") as image:
        assert image.size == (7 * 300, 2 * 300)
    assert b"<dc:date>" not in kept[0][1]


@pytest.mark.slow
def test_a_figure_is_drawn_once_for_its_layout_and_once_a_format(tmp_path, monkeypatch):
    drawn, draw = [], Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: drawn.append(draw(self, renderer)))
    saving.save(figure(), tmp_path, "one", formats=("png", "svg"))
    assert len(drawn) == 3


@pytest.mark.slow
def test_which_formats_come_first_does_not_matter(tmp_path):
    made = figure()
    first = saving.save(made, tmp_path / "a", "one", formats=["svg", "png"])
    assert first[0].read_bytes() == saving.save(figure(), tmp_path / "b", "one")[1].read_bytes()


def test_an_unknown_format_writes_nothing(tmp_path):
    with pytest.raises(SD4MatchError, match=r"'gif'.*png, svg, pdf"):
        saving.save(figure(), tmp_path / "a", "one", formats=["png", "gif"])
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_inline_svg_stands_alone_beside_others():
    texts = [saving.svg(figure(height=h), title="PCK <of> both") for h in (2.0, 2.5)]
    found = []
    for text in texts:
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert (root.get("role"), root.get("aria-label")) == ("img", "PCK <of> both")
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
        assert {a or b for a, b in used} <= set(ids)
        assert used
        found.append(set(ids))
        assert not re.findall(r'(?:href|src)="(?!#)', text)
        words = "".join(root.itertext())
        assert "a < b & $x$" in words  # text is text, and dollars are dollars
    assert not found[0] & found[1]
    assert saving.svg(figure(), title="PCK <of> both") == texts[0]


@pytest.mark.slow
def test_a_users_settings_change_nothing(tmp_path):
    import matplotlib

    (plain,) = saving.save(figure(), tmp_path, "plain", formats=["svg"])
    with matplotlib.rc_context({"font.size": 20, "svg.fonttype": "path", "axes.facecolor": "red"}):
        (other,) = saving.save(figure(), tmp_path, "other", formats=["svg"])
    assert plain.read_bytes() == other.read_bytes()


def test_a_long_legend_makes_room_for_itself():
    names = [f"{'a long name ' * 4}{i}" for i in range(8)]
    made, _ = page.page(1, height=2)
    page.key(made, [page.swatch(name, color="black") for name in names])
    made.draw_without_rendering()
    box = made.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= made.bbox.x1
    assert made.axes[0].get_window_extent().height > 0.8 * made.dpi


def test_names_are_cut_in_the_middle():
    assert page.shortened("short", 5) == "short"
    assert page.shortened("kernel_softmax", 9) == "kern…tmax"
