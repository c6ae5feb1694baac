"""Fonts for what a figure says: names may be Chinese, Japanese, Korean or emoji."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

log = logging.getLogger(__name__)

_NO_FONTS = ("Last Resort", "LastResort", ".LastResort")  # have a box for every character
_SHOWN = 12
_said: set[str] = set()


@contextmanager
def unwarned() -> Iterator[None]:
    """Without Matplotlib's warning for each missing character: `fit_fonts` says it once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        yield


def fit_fonts(figure: Figure) -> bool:
    """Let installed fonts stand in for characters that a figure's own font does not have.

    Where no installed font has a character, a box is drawn, and one line says so, once a process.

    Args:
        figure: drawn once, if it has ticks: only that makes their labels.

    Returns:
        Whether a text got another font, so that the figure must be laid out again.
    """
    texts = [(text, _missing(text)) for text in figure.findobj(Text) if isinstance(text, Text)]
    wanted = set[str]().union(*(missing for _, missing in texts))
    if not wanted:
        return False
    fonts = _stand_ins(frozenset(wanted))
    for text, missing in texts:
        if missing and fonts:
            text.set_fontfamily([*text.get_fontfamily(), *fonts])
    lost = {sign for sign in wanted if not any(ord(sign) in _signs(_file(f)) for f in fonts)}
    if lost and not _said:
        _said.update(lost)
        some = "".join(sorted(lost)[:_SHOWN]) + "…" * (len(lost) > _SHOWN)
        log.warning(
            "no installed font has %s: figures show boxes instead; install one that has them, such"
            " as Noto Sans CJK or Noto Emoji",
            some,
        )
    return bool(fonts)


def _missing(text: Text) -> set[str]:
    """The characters of a text that its font does not have."""
    said = {sign for sign in text.get_text() if sign.isprintable() and not sign.isspace()}
    if not said or max(said) < "\u0100":  # every font has Latin 1: most texts need no look-up
        return set()
    own = _signs(font_manager.findfont(text.get_fontproperties()))
    return {sign for sign in said if ord(sign) not in own}


@cache
def _stand_ins(wanted: frozenset[str]) -> tuple[str, ...]:
    """The names of few installed fonts that have most of some characters, the best first."""
    left, found = {ord(sign) for sign in wanted}, list[str]()
    names = sorted({font.name for font in _installed()})
    while left and names:
        best = max(names, key=lambda name: len(left & _signs(_file(name))))
        have = left & _signs(_file(best))
        if not have:
            break
        found.append(best)
        left -= have
    return tuple(found)


def _installed() -> Iterable[font_manager.FontEntry]:
    fonts = font_manager.fontManager.ttflist
    return (font for font in fonts if not font.name.startswith(_NO_FONTS))


@cache
def _file(name: str) -> str:
    """The upright file of a family, as regular as there is."""
    own = [font for font in _installed() if font.name == name]
    return min(own, key=lambda font: (font.style != "normal", font.weight != 400)).fname


@cache
def _signs(file: str) -> frozenset[int]:
    """The characters that a font can draw; none for fonts of colored pictures."""
    try:
        font = FT2Font(file)
        font.set_size(10, 72)
        return frozenset(font.get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()
