"""Pages of images: rows of equal height, titles, a legend, a footnote, and the file."""

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
from sd4match.visualize.fonts import fit_fonts, unwarned

WIDTH = 7.0
"""The text width of a two-column paper, inches."""

GAP = 0.06
"""Between neighbors, inches."""

HALO = [effects.withStroke(linewidth=2.2, foreground="white")]
"""Path effects that make a mark visible on any image."""

_MOST_PIXELS = 1600  # per side; more than any figure shows
_HEAD = 0.19  # above each row, for titles, inches
_EDGE = 0.06  # around the page, inches

# Without dates and version strings, which would change the bytes from day to day.
_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}
_STYLE: Any = {  # Any: matplotlib has a literal type for the names of its settings
    "pdf.fonttype": 42,  # text stays text in the paper's PDF
    "svg.hashsalt": "sd4match",
}

Size = tuple[int, int]  # width and height


def panels(
    rows: Sequence[Sequence[Size]],
    *,
    tallest: float = 3.0,
    foot: float = 0.0,
    narrowest: float = 2.8,
    apart: int | None = None,
) -> tuple[Figure, list[list[Axes]]]:
    """Lay out images in rows that fill the page's width, unless that makes them too tall.

    Every image keeps its aspect ratio.

    Args:
        rows: for each row, its images' sizes in pixels.
        tallest: largest height of a row, inches.
        foot: room below the last row, inches.
        narrowest: smallest width of a figure with a foot, inches.
        apart: insert a wider gap after this many images of a row.

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
    if len(rows) > 1 and len(rows[-1]) < len(rows[0]):  # a short last row: no larger than the rest
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
    """Write a line above an image, left-aligned; ``fit`` cuts it to the image's width."""
    if fit:
        width = axes.get_window_extent().width / axes.figure.dpi
        room = max(8, int(width * 17))
        text = text if len(text) <= room else text[: room - 1] + "…"
    axes.set_title(text, loc="left", pad=3, fontsize=7, parse_math=False)


def footnote(figure: Figure, text: str) -> None:
    """Write at most two small lines at the foot of a figure; 0.25 inches high."""
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
    """Make axes over the whole figure, for lines across images: draw with their ``transData``."""
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


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, at 300 dpi. Equal figures give equal bytes.

    Args:
        figure: any figure.
        path: ends in .png, .pdf or .svg.

    Raises:
        SD4MatchError: as ``check_path``.
    """
    check_path(path)
    with matplotlib.rc_context(_STYLE), unwarned(), atomic_path(path) as temporary:
        fit_fonts(figure)
        figure.savefig(temporary, dpi=300, metadata=_METADATA[path.suffix.lower()])


def check_path(path: Path) -> None:
    """Refuse a path that ``save`` would refuse, before anything is computed.

    Raises:
        SD4MatchError: another suffix, or nothing can be written there.
    """
    if path.suffix.lower() not in _METADATA:
        raise SD4MatchError(f"{path}: the name of a picture must end in {', '.join(_METADATA)}")
    require_writable(path)
