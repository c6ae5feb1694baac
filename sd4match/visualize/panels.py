"""Images in rows on a page: each keeps its shape, those of a row are equally high."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.patheffects as effects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path, require_writable

WIDTH = 7.0
"""The text width of a two-column paper, inches."""

GAP = 0.06
"""Between neighbours, inches."""

HALO = [effects.withStroke(linewidth=2.2, foreground="white")]
"""Path effects that set a mark off from any image."""

_MOST_PIXELS = 1600  # a side; more than any figure shows
_HEAD = 0.19  # above each row, for titles, inches
_EDGE = 0.06  # around the page, inches

Size = tuple[int, int]  # width and height


def panels(
    rows: Sequence[Sequence[Size]],
    *,
    tallest: float = 3.0,
    foot: float = 0.0,
    narrowest: float = 2.8,
    apart: int | None = None,
) -> tuple[Figure, list[list[Axes]]]:
    """Lay images out in rows that fill the page's width, unless that makes them too tall.

    Args:
        rows: of each row, its images' sizes in pixels.
        tallest: height that no row exceeds, inches.
        foot: room below the last row, inches.
        narrowest: width that what stands there needs, inches.
        apart: a wider gap after every so many images of a row.

    Returns:
        A figure no wider than its widest row, and for each row its axes: in the image's own
        pixels, (0, 0) being the upper left corner.
    """
    gaps = [
        [GAP * (2.5 if apart and i % apart == 0 else 1) for i in range(1, len(row))] for row in rows
    ]
    shapes = [[w / h for w, h in row] for row in rows]
    heights = [
        min(tallest, (WIDTH - 2 * _EDGE - sum(gap)) / sum(shape))
        for gap, shape in zip(gaps, shapes, strict=True)
    ]
    if len(rows) > 1 and len(rows[-1]) < len(rows[0]):  # what is left over: no larger than the rest
        heights[-1] = min(heights[-2:])
    widths = [
        2 * _EDGE + height * sum(shape) + sum(gap)
        for height, gap, shape in zip(heights, gaps, shapes, strict=True)
    ]
    width = max([*widths, narrowest] if foot else widths)
    total = sum(heights) + len(rows) * _HEAD + (len(rows) - 1) * GAP + foot + _EDGE
    figure = Figure(figsize=(width, total))
    FigureCanvasAgg(figure)
    axes: list[list[Axes]] = []
    top = total
    for row, shape, gap, height in zip(rows, shapes, gaps, heights, strict=True):
        top -= _HEAD + height
        left = _EDGE
        axes.append([])
        for size, aspect, space in zip(row, shape, [*gap, 0.0], strict=True):
            box = (left / width, top / total, height * aspect / width, height / total)
            axes[-1].append(_blank(figure, box, size))
            left += height * aspect + space
        top -= GAP
    return figure, axes


def show(axes: Axes, image: Image.Image) -> None:
    """Draw an RGB image on axes that ``panels`` made for it."""
    width, height = image.size
    small = image.copy()
    small.thumbnail((_MOST_PIXELS, _MOST_PIXELS), Image.Resampling.LANCZOS)
    axes.imshow(small, extent=(0, width, height, 0), aspect="auto")


def title(axes: Axes, text: str, *, fit: bool = False) -> None:
    """Write a line above an image, from its left edge on; ``fit`` cuts what is wider than it."""
    if fit:
        width = axes.get_window_extent().width / axes.figure.dpi
        room = max(8, int(width * 17))
        text = text if len(text) <= room else text[: room - 1] + "…"
    axes.set_title(text, loc="left", pad=3, fontsize=7, parse_math=False)


def footnote(figure: Figure, text: str) -> None:
    """Write small print at the foot of a figure, at most two lines of it; 0.25 inches high."""
    width = figure.get_figwidth()
    lines = textwrap.fill(text, int(width * 19), max_lines=2)
    height = figure.get_figheight()
    figure.text(
        _EDGE / width, 0.03 / height, lines,
        fontsize=6, color="#555555", va="bottom", parse_math=False,
    )  # fmt: skip


def legend(figure: Figure, keys: Sequence[Line2D]) -> None:
    """Explain marks in one line right above the footnote; 0.2 inches high."""
    width, height = figure.get_size_inches()
    figure.legend(
        handles=keys, loc="lower left", bbox_to_anchor=(_EDGE / width, 0.25 / height),
        ncols=len(keys), frameon=False, fontsize=6.5, borderpad=0, borderaxespad=0,
        handlelength=1.8, columnspacing=1.2,
    )  # fmt: skip


def overlay(figure: Figure) -> Axes:
    """Axes over the whole figure, for what goes across images: draw with their ``transData``."""
    axes = figure.add_axes((0, 0, 1, 1), zorder=1)
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return axes


def _blank(figure: Figure, box: tuple[float, float, float, float], size: Size) -> Axes:
    axes = figure.add_axes(box)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(color="#bbbbbb", linewidth=0.4)  # an image may be white to its border
    axes.set_xlim(0, size[0])
    axes.set_ylim(size[1], 0)
    axes.set_autoscale_on(False)
    return axes


# Dates and version strings would change the bytes from day to day.
_DATELESS: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}
_STYLE: Any = {  # matplotlib names its settings in a type of its own
    "pdf.fonttype": 42,  # text stays text in the paper's PDF
    "svg.hashsalt": "sd4match",
}


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, at 300 dpi; the same figure, the same bytes.

    Args:
        figure: any.
        path: ends in .png, .pdf or .svg.

    Raises:
        SD4MatchError: as ``check``.
    """
    check(path)
    with matplotlib.rc_context(_STYLE), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=300, metadata=_DATELESS[path.suffix.lower()])


def check(path: Path) -> None:
    """Refuse a path that ``save`` would, before anything is computed.

    Raises:
        SD4MatchError: another suffix, or nothing can be written there.
    """
    if path.suffix.lower() not in _DATELESS:
        raise SD4MatchError(f"{path}: a picture ends in {', '.join(_DATELESS)}: name it so")
    require_writable(path)
