"""Heatmaps: the correlation of a source point with all of the target, for several prompts.

As the paper's Fig. 6 (arXiv 2310.17569).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sd4match.datasets.images import load_image
from sd4match.datasets.pairs import ImagePair
from sd4match.prediction.one_pair import Matches
from sd4match.visualize.image_page import HALO, footnote, legend, panels, show, title

MAP = "inferno"
"""Perceptually uniform, from black to light yellow: it also prints well in gray."""

# The image stays visible below, in so few grays that it hardly changes the colors.
_OPACITY = 0.7
_GREYS = (0.2, 0.8)


def heatmaps(
    pair: ImagePair,
    found: Mapping[str, Matches],
    *,
    image_size: int,
    queries: Sequence[int] = (0,),
    note: str = "",
) -> Figure:
    """Draw correlation maps over the target: one row per query, one column per prompt.

    All maps share one scale, so that their colors can be compared. A cross marks the predicted
    position, a ring the true one if it is known.

    Args:
        pair: a pair with N source keypoints.
        found: label of a prompt -> what ``match_pair`` found with it.
        image_size: side S of the square that the model saw, pixels.
        queries: indices of the keypoints to show, from 0.
        note: a line below the picture, such as the configuration.

    Returns:
        The figure.

    Raises:
        SD4MatchError: an unreadable image.
    """
    row = [pair.source_size, *[pair.target_size] * len(found)]
    figure, rows = panels([row] * len(queries), tallest=2.6, foot=0.46, narrowest=3.9)
    shown = [each.correlation[list(queries)] for each in found.values()]
    scale = Normalize(min(maps.min() for maps in shown), max(maps.max() for maps in shown))
    source, target = load_image(pair, "source"), _faint(load_image(pair, "target"))
    for query, (first, *others) in zip(queries, rows, strict=True):
        show(first, source)
        _mark(first, pair.source_keypoints[query], "query")
        title(first, "source" if len(queries) == 1 else f"keypoint {query + 1}")
        for axes, (label, each) in zip(others, found.items(), strict=True):
            _heat(axes, target, each.correlation[query], pair.target_size, image_size, scale)
            if not np.isnan(pair.target_keypoints[query]).any():
                _mark(axes, pair.target_keypoints[query], "true position")
            _mark(axes, each.positions[query], "predicted")
            title(axes, label, fit=True)
    known = not np.isnan(pair.target_keypoints[list(queries)]).any()
    _explain(figure, scale, with_truth=known)
    footnote(figure, note)
    return figure


def _faint(image: Image.Image) -> Image.Image:
    darkest, lightest = (round(255 * grey) for grey in _GREYS)
    grey = ImageOps.grayscale(image).point(lambda v: darkest + v * (lightest - darkest) / 255)
    return grey.convert("RGB")


def _heat(
    axes: Axes,
    image: Image.Image,
    correlation: NDArray[np.float32],
    size: tuple[int, int],
    image_size: int,
    scale: Normalize,
) -> None:
    show(axes, image)
    h, w = correlation.shape
    # The centers of the first and last cell lie at 0 and S - 1 of the square
    # (docs/explanation/method.md section 3).
    steps = [
        side * (image_size - 1) / image_size / max(n - 1, 1)
        for side, n in zip(size, (w, h), strict=True)
    ]
    x, y = (step / 2 for step in steps)
    axes.imshow(
        correlation,
        cmap=MAP,
        norm=scale,
        alpha=_OPACITY,
        interpolation="bilinear",
        extent=(-x, steps[0] * w - x, steps[1] * h - y, -y),
        aspect="auto",
    )


_MARKS: dict[str, dict[str, Any]] = {
    "query": {"marker": "+", "markersize": 7, "markeredgewidth": 1.3},
    "predicted": {"marker": "x", "markersize": 5, "markeredgewidth": 1.3},
    "true position": {"marker": "o", "markersize": 7, "markeredgewidth": 1.1},
}


def _mark(axes: Axes, at: NDArray[np.float32], what: str) -> None:
    axes.plot(*at[:, None], **_style(what), clip_on=False)


def _style(what: str) -> dict[str, Any]:
    return {
        **_MARKS[what],
        "color": "black",
        "markerfacecolor": "none",
        "linestyle": "none",
        "path_effects": HALO,
        "label": what,
    }


def _explain(figure: Figure, scale: Normalize, *, with_truth: bool) -> None:
    names = [name for name in _MARKS if with_truth or name != "true position"]
    legend(figure, [Line2D([], [], **_style(name)) for name in names])
    width, height = figure.get_size_inches()
    long = min(1.5, width - 1.9)
    axes = figure.add_axes((1 - (long + 0.12) / width, 0.28 / height, long / width, 0.07 / height))
    # The colors as they look on the images, which are mid-gray on average.
    colours = _OPACITY * colormaps[MAP](np.linspace(0, 1, 256))[:, :3] + (1 - _OPACITY) * 0.5
    bar = figure.colorbar(
        ScalarMappable(scale, ListedColormap(colours)), cax=axes, orientation="horizontal"
    )
    bar.outline.set_linewidth(0.4)
    axes.tick_params(labelsize=6, length=2, width=0.4, pad=1.5)
    axes.text(
        -0.03, 0.5, "correlation", transform=axes.transAxes, fontsize=6.5, ha="right", va="center"
    )
