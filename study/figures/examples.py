"""Figure of the pairs with the largest gains over the baseline and the largest losses."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sd4match.datasets.images import load_image
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError, require_known
from sd4match.visualize.image_page import HALO, footnote, legend, panels, show, title
from sd4match.visualize.pair_grid import COLOURS
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import best_other, closing, distinguished, find, shared
from study.figures.predictions import pairs_of, predicted_by_seed, present

ROWS = 4  # gains, and as many losses


@dataclass(frozen=True, eq=False)
class Example:
    """A pair under two configurations.

    Attributes:
        pair: N keypoints.
        gain: in PCK over the baseline, points; the mean over seeds.
        base, own: (N, 2) positions of the baseline and of the other, in pixels of the target.
        base_right, own_right: (N,) which of them count as found.
    """

    pair: ImagePair
    gain: float
    base: NDArray[np.float32]
    own: NDArray[np.float32]
    base_right: NDArray[np.bool_]
    own_right: NDArray[np.bool_]


def extremes(gain: NDArray[np.float64], targets: Sequence[str], *, most: int) -> list[list[int]]:
    """The pairs with the largest gains, and those with the largest losses.

    A target image is shown once; otherwise the pairs of one hard image would fill the figure.

    Args:
        gain: (P,) of each pair, NaN where it has no keypoint.
        targets: (P,) the pairs' target images.
        most: of each.

    Returns:
        Numbers of pairs: gains, the largest first; losses, the largest first.
    """
    gain = np.nan_to_num(gain)
    found = []
    for sign in (1, -1):
        chosen: list[int] = []
        seen: set[str] = set()
        for i in np.argsort(-sign * gain, kind="stable"):
            if len(chosen) == most or sign * gain[i] <= 0:
                break
            if targets[i] not in seen:
                seen.add(targets[i])
                chosen.append(int(i))
        found.append(chosen)
    return found


@page.styled
def examples(
    gains: Sequence[Example], losses: Sequence[Example], *, names: tuple[str, str], note: str = ""
) -> Figure:
    """Image pairs with true and predicted keypoints: gains at the left, losses at the right.

    Of each pair the source, the target with the baseline's positions, and the target with the
    other's. A keypoint has one color throughout; found ones are discs, others crosses with a
    dotted line to the true position.

    Args:
        gains, losses: to show.
        names: of the baseline and of the other configuration.
        note: a line below.

    Returns:
        The figure.

    Raises:
        SD4MatchError: an unreadable image.
    """
    both = bool(gains) and bool(losses)
    sides = [part for part in (gains, losses) if part]
    # A side that is shorter leaves its place empty, as wide as what is beside it.
    rows = list(itertools.zip_longest(*sides))
    sizes = [
        [
            size
            for each in row
            for of in [(each or next(filter(None, row))).pair]
            for size in (of.source_size, of.target_size, of.target_size)
        ]
        for row in rows
    ]
    figure, axes = panels(sizes, tallest=1.35 if both else 1.8, foot=0.46, narrowest=4.6, apart=3)
    for row, line in zip(rows, axes, strict=True):
        for i, each in enumerate(row):
            if each:
                _example(line[3 * i : 3 * i + 3], each, names)
            for panel in line[3 * i : 3 * i + 3]:
                panel.set_visible(each is not None)
    dot: dict[str, Any] = {"color": page.GREY, "linestyle": "none"}
    legend(
        figure,
        [
            Line2D([], [], marker="o", markersize=3.5, label="found", **dot),
            Line2D([], [], marker="x", markersize=4, label="not found", **dot),
            Line2D([], [], color=page.GREY, linestyle=":", label="to the true position"),
        ],
    )
    footnote(figure, note)
    return figure


def _example(axes: Sequence[Axes], each: Example, names: tuple[str, str]) -> None:
    pair, n = each.pair, len(each.pair.source_keypoints)
    show(axes[0], load_image(pair, "source"))
    title(axes[0], f"{each.gain:+.0f} {pair.category}".replace("-", "−"), fit=True)
    for query, color in zip(pair.source_keypoints, _colors(n), strict=True):
        _dot(axes[0], query, color)
    target = load_image(pair, "target")
    shown_at = ((each.base, each.base_right), (each.own, each.own_right))
    for panel, name, (positions, right) in zip(axes[1:], names, shown_at, strict=True):
        show(panel, target)
        title(panel, f"{right.sum()}/{n} {name}", fit=True)
        for at, truth, found, color in zip(
            positions, pair.target_keypoints, right, _colors(n), strict=True
        ):
            if found:
                _dot(panel, at, color)
                continue
            way = np.stack([at, truth])
            panel.plot(*way.T, ":", color=color, linewidth=1, path_effects=HALO)
            panel.plot(
                *at[:, None], "x",
                color=color, markersize=4, markeredgewidth=1.1, path_effects=HALO,
            )  # fmt: skip


def _dot(panel: Axes, at: NDArray[np.floating], color: str) -> None:
    style: dict[str, Any] = {"markersize": 3.6, "markeredgecolor": "white", "markeredgewidth": 0.5}
    panel.plot(*at[:, None], "o", color=color, **style)


def _colors(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]


def _choices(study: Results) -> list[Names]:
    best = best_other(study)
    places = shared(study.cells, [best, study.baseline]) if best else []
    return [(dataset,) for dataset, _ in present(study, places)]


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    key = find(study, names[1] if len(names) > 1 else "best")
    places = dict(shared(study.cells, [key, study.baseline]))
    require_known(names[0], places, what="data set of this study")
    dataset, split = names[0], places[names[0]]
    by_seed = [predicted_by_seed(study, name, dataset, split) for name in (key, study.baseline)]
    seeds = [seed for seed in by_seed[0] if seed in by_seed[1]]
    gain = np.mean([by_seed[0][s].shares(alpha) - by_seed[1][s].shares(alpha) for s in seeds], 0)
    own, base = (found[seeds[0]] for found in by_seed)
    numbers = extremes(gain, own.pairs["target"].tolist(), most=ROWS)
    if not any(numbers):
        raise SD4MatchError(
            f"examples: {key} and the baseline find the same keypoints of {dataset}"
        )
    rows = own.pairs.iloc[[i for part in numbers for i in part]]
    pairs = iter(pairs_of(study, dataset, split, rows))
    both = (base.positions, own.positions, base.correct(alpha), own.correct(alpha))
    parts = [
        [
            Example(next(pairs), 100 * gain[i], *(each[own.truth.pair == i] for each in both))
            for i in part
        ]
        for part in numbers
    ]
    apart = distinguished(configurations(study.cells), [study.baseline, key])
    name = "best" if len(names) == 1 or names[1] == "best" else "other"
    return examples(
        *parts,
        names=("baseline", name),
        note=f"{page.titled(dataset, split)}, largest gains and losses in PCK@{alpha:g} "
        f"(points). Baseline: {apart[study.baseline]}; {name}: {apart[key]}. "
        f"{f'Positions of seed {seeds[0]}. ' if len(seeds) > 1 else ''}"
        f"{closing(study, [key, study.baseline])}",
    )


KIND = Kind(
    name="examples",
    shows="largest gains and losses",
    lacks="the data set's images, and a best configuration that is not the baseline",
    choices=_choices,
    draw=_draw,
    takes="a data set, and a configuration if not the best",
    counts=(1, 2),
    reads="images",
)
