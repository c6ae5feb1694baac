"""The matches of one pair: both images side by side."""

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from numpy.typing import NDArray

from sd4match.datasets import ImagePair, load_image
from sd4match.own_images import SIDES
from sd4match.visualize.panels import overlay, panels, show, title

# Okabe and Ito's colours, which colour-blind people tell apart, without black and yellow.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""One after the other, and again from the first; numbers tell points of a colour apart."""


def matches(pair: ImagePair, positions: NDArray[np.floating]) -> Figure:
    """Draw the source keypoints of a pair and where they were found, with the same numbers.

    Args:
        pair: N source keypoints.
        positions: (N, 2) in original pixels of the target.

    Returns:
        The figure.

    Raises:
        SD4MatchError: an unreadable image.
    """
    sizes = [pair.source_size, pair.target_size]
    figure, [axes] = panels([sizes], tallest=3.4)
    for panel, side in zip(axes, SIDES, strict=True):
        show(panel, load_image(pair, side))
        title(panel, side)
    top = overlay(figure)
    halo = [effects.withStroke(linewidth=1.6, foreground="white")]
    for i, ends in enumerate(zip(pair.source_keypoints, positions, strict=True)):
        colour = COLOURS[i % len(COLOURS)]
        frames = [panel.transData for panel in axes]
        line = ConnectionPatch(
            *ends, coordsA=frames[0], coordsB=frames[1], color=colour, linewidth=0.9, alpha=0.8
        )
        top.add_artist(line)
        for (x, y), frame, (width, _) in zip(ends, frames, sizes, strict=True):
            top.plot(
                [x], [y], "o", transform=frame,
                color=colour, markersize=4.5, markeredgecolor="white", markeredgewidth=0.8,
            )  # fmt: skip
            turn = -1 if x > 0.95 * width else 1  # a number stays on the page
            top.annotate(
                str(i + 1), (x, y), xycoords=frame,
                xytext=(3.2 * turn, 2.2), textcoords="offset points",
                ha="left" if turn == 1 else "right",
                fontsize=7, fontweight="bold", color=colour, path_effects=halo,
            )  # fmt: skip
    return figure
