"""Pairs side by side with their matches: one pair numbered, or many marked right and wrong."""

from collections.abc import Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import ConnectionPatch
from numpy.typing import NDArray

from sd4match.datasets.images import load_image
from sd4match.datasets.own_images import SIDES
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import require_known
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.scoring import counts
from sd4match.visualize.image_page import (
    GAP,
    HALO,
    WIDTH,
    Size,
    footnote,
    legend,
    overlay,
    panels,
    show,
    title,
)

ORDERS = ("random", "worst", "best")
"""The orders in which a grid may show pairs."""

RIGHT, WRONG = "#009E73", "#D55E00"  # a green and a red that color-blind people can distinguish
_HEIGHT = 1.35  # of images before their row is fitted to the page, inches

# Okabe and Ito's colors, which color-blind people can distinguish, without black and yellow.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Used in turn, and again from the first; numbers distinguish points of equal color."""


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
            turn = -1 if x > 0.95 * width else 1  # so that the number stays on the page
            top.annotate(
                str(i + 1), (x, y), xycoords=frame,
                xytext=(3.2 * turn, 2.2), textcoords="offset points",
                ha="left" if turn == 1 else "right",
                fontsize=7, fontweight="bold", color=colour, path_effects=halo,
            )  # fmt: skip
    return figure


def ranked(
    truth: GroundTruth, correct: NDArray[np.bool_], *, order: str, seed: int = 0
) -> list[int]:
    """Rank the pairs that have keypoints.

    Args:
        truth: the ground truth of P pairs with K keypoints.
        correct: (K,) bool, which keypoints are correct.
        order: "worst" or "best" share of correct keypoints first (stable), or "random".
        seed: seed of "random".

    Returns:
        Indices of pairs, from 0.

    Raises:
        SD4MatchError: an unknown order.
    """
    require_known(order, ORDERS, what="order")
    pairs, _ = truth.ranges()
    if order == "random":
        return [int(i) for i in np.random.default_rng(seed).permutation(pairs)]
    share = counts(truth, correct)[pairs] / truth.n_keypoints[pairs]
    places = np.argsort(share if order == "worst" else -share, kind="stable")
    return [int(i) for i in pairs[places]]


def grid(
    pairs: Sequence[ImagePair],
    positions: Sequence[NDArray[np.floating]],
    correct: Sequence[NDArray[np.bool_]],
    *,
    note: str = "",
) -> Figure:
    """Draw pairs with predicted keypoints: correct ones as discs, wrong ones as crosses.

    A dotted line leads from a wrong position to the true one.

    Args:
        pairs: one or more, each with keypoints.
        positions: for each pair, (N, 2) in original pixels of its target.
        correct: for each pair, (N,) bool, which keypoints are correct.
        note: a line below the picture, such as the configuration and alpha.

    Returns:
        The figure; the title of each pair gives its category and its share of correct keypoints.

    Raises:
        SD4MatchError: an unreadable image.
    """
    sizes = [(pair.source_size, pair.target_size) for pair in pairs]
    figure, rows = panels(_flow(sizes), tallest=1.4 * _HEIGHT, foot=0.46, apart=2)
    top = overlay(figure)
    flat = (axes for row in rows for axes in row)
    panel_pairs = zip(flat, flat, strict=True)
    for own, pair, found, right in zip(panel_pairs, pairs, positions, correct, strict=True):
        _pair(top, own, pair, found, right)
    keys = [
        Line2D([], [], color=RIGHT, marker="o", linewidth=0.8, markersize=3.5, label="right"),
        Line2D([], [], color=WRONG, marker="x", linewidth=0.8, markersize=4, label="wrong"),
        Line2D([], [], color=WRONG, linestyle=":", linewidth=1, label="to the true position"),
    ]
    legend(figure, keys)
    footnote(figure, note)
    return figure


def _flow(sizes: Sequence[tuple[Size, Size]]) -> list[list[Size]]:
    """Fill rows with pairs until they are about as wide as the page."""
    rows: list[list[Size]] = [[]]
    filled = 0.0
    for pair in sizes:
        width = sum(_HEIGHT * w / h + GAP for w, h in pair)
        if rows[-1] and filled + width / 2 > WIDTH:
            rows.append([])
            filled = 0.0
        rows[-1].extend(pair)
        filled += width
    return rows


def _pair(
    top: Axes,
    axes: tuple[Axes, Axes],
    pair: ImagePair,
    positions: NDArray[np.floating],
    correct: NDArray[np.bool_],
) -> None:
    frames = [panel.transData for panel in axes]
    show(axes[0], load_image(pair, "source"))
    show(axes[1], load_image(pair, "target"))
    share = f"{correct.sum()}/{len(correct)} ({correct.mean():.0%})"
    title(axes[0], f"{pair.category}  {share}")
    for query, truth, found, right in zip(
        pair.source_keypoints, pair.target_keypoints, positions, correct, strict=True
    ):
        colour = RIGHT if right else WRONG
        line = ConnectionPatch(
            query, found, coordsA=frames[0], coordsB=frames[1],
            color=colour, linewidth=0.7, alpha=0.75,
        )  # fmt: skip
        top.add_artist(line)
        dot: dict[str, Any] = {"color": colour, "markeredgecolor": "white", "markeredgewidth": 0.5}
        top.plot(*query[:, None], "o", transform=frames[0], **dot, markersize=3)
        if right:
            top.plot(*found[:, None], "o", transform=frames[1], **dot, markersize=3.5)
        else:
            way = np.stack([found, truth])
            top.plot(
                *way.T, ":", transform=frames[1], color=colour, linewidth=1.1, path_effects=HALO
            )
            top.plot(
                *found[:, None], "x", transform=frames[1],
                color=colour, markersize=4, markeredgewidth=1.1, path_effects=HALO,
            )  # fmt: skip
