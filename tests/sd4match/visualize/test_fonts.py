"""Characters that a figure's own font does not have."""

import io
import logging
import unicodedata
import warnings

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from sd4match.visualize import fonts

STIX = "STIXGeneral"  # comes with Matplotlib, as DejaVu Sans does


@pytest.fixture
def only(monkeypatch):
    """A function that leaves a machine with DejaVu Sans and some other fonts."""

    def installed(*names):
        every = [f for f in font_manager.fontManager.ttflist if f.name in ("DejaVu Sans", *names)]
        monkeypatch.setattr(fonts, "_installed", lambda: every)
        fonts._stand_ins.cache_clear()
        fonts._file.cache_clear()
        monkeypatch.setattr(fonts, "_said", set())

    yield installed
    fonts._stand_ins.cache_clear()
    fonts._file.cache_clear()


@pytest.fixture
def sign():
    """A letter that STIX has and DejaVu Sans does not."""
    have, own = (fonts._signs(fonts._file(name)) for name in (STIX, "DejaVu Sans"))
    letters = (chr(code) for code in sorted(have - own))
    return next(sign for sign in letters if unicodedata.category(sign) in ("Lu", "Ll", "So", "Sm"))


def drawn(text):
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_title(text)
    axes.set_xticks([0], [text])
    figure.draw_without_rendering()
    return figure


def saved(figure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO(), format="png")


@pytest.mark.slow
def test_an_installed_font_that_has_them_stands_in(only, sign, caplog):
    only(STIX)
    with fonts.unwarned():
        figure = drawn(f"a {sign}")
    assert fonts.fit_fonts(figure)
    saved(figure)  # no glyph is missing, in no text
    assert figure.axes[0].title.get_fontfamily()[-1] == STIX
    assert not caplog.records


@pytest.mark.slow
def test_without_such_a_font_one_line_says_so_once(only, sign, caplog):
    only()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with fonts.unwarned():
                figure = drawn(f"a {sign}写")
            assert not fonts.fit_fonts(figure)
            saved_silently(figure)
    (record,) = caplog.records
    assert f"no installed font has {''.join(sorted({sign, '写'}))}: figures" in record.message


def saved_silently(figure):
    with warnings.catch_warnings(record=True) as said, fonts.unwarned():
        figure.savefig(io.BytesIO(), format="png")
    assert not said


def test_plain_texts_keep_their_font(only):
    only()
    figure = drawn("é ± × – σ ≥ %")
    assert not fonts.fit_fonts(figure)
    assert figure.axes[0].title.get_fontfamily() == ["sans-serif"]
