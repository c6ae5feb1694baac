"""Saving figures as files or as SVG text: the same figure gives the same bytes."""

import hashlib
import html
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sd4match.errors import require_known
from sd4match.files.atomic import atomic_path
from sd4match.visualize.fonts import fit_fonts, unwarned
from study.figures.page import styled

# Dates and version strings would change the bytes from day to day.
_DATELESS: Mapping[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FORMATS = tuple(_DATELESS)
"""File formats of figures."""


@styled
def save(
    figure: Figure, folder: Path, stem: str, *, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write a figure, PNG at 300 dpi.

    Args:
        figure: the figure.
        folder: created when missing.
        stem: name of the files without their suffix.
        formats: some of `FORMATS`.

    Returns:
        The files, one per format.

    Raises:
        SD4MatchError: an unknown format; nothing is written.
    """
    for name in formats:
        require_known(name, FORMATS, what="format of figures")
    _settle(figure)
    paths = [folder / f"{stem}.{name}" for name in formats]
    for path, name in zip(paths, formats, strict=True):
        with atomic_path(path) as temporary, unwarned():
            figure.savefig(temporary, format=name, dpi=300, metadata=_DATELESS[name])
    return paths


@styled
def svg(figure: Figure, *, title: str = "") -> str:
    """A figure as an SVG element that can stand in an HTML page beside others.

    Args:
        figure: the figure.
        title: what the picture shows, for those who cannot see it.

    Returns:
        ``<svg …>…</svg>``, without prolog, metadata or external resources; every id in it begins
        with a hash of the picture, so that ids of several pictures do not collide.
    """
    _settle(figure)
    buffer = io.StringIO()
    with unwarned():
        figure.savefig(buffer, format="svg", metadata=_DATELESS["svg"])
    text = buffer.getvalue()
    text = text[text.index("<svg") :].rstrip()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    own = f"f{hashlib.sha256(text.encode()).hexdigest()[:10]}-"
    text = re.sub(r'(\bid="|\bhref="#|url\(#)', rf"\g<1>{own}", text)
    about = html.escape(title)
    label = f' role="img" aria-label="{about}"' if title else ' role="img"'
    return text.replace("<svg", f"<svg{label}", 1)


def _settle(figure: Figure) -> None:
    """Find fonts for its texts, and lay the figure out once instead of once a format."""
    if figure.get_layout_engine() is not None:
        with unwarned():
            figure.draw_without_rendering()
            if fit_fonts(figure):
                figure.draw_without_rendering()
        figure.set_layout_engine(None)  # "none" would leave a placeholder, and a draw for it
