"""Figure of the difference to the baseline by category."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sd4match.datasets.benchmark import object_name
from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.analysis.statistics.stats import LEVEL, Row, differences as gaps, holm
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import (
    at,
    best_other,
    closing,
    distinguished,
    find,
    for_others,
    shared,
)

ALL = "all"
_GAIN, _LOSS = page.PALETTE[0], page.PALETTE[3]


def differences(own: Row, base: Row, names: list[str]) -> pd.DataFrame:
    """PCK by category and its difference to the baseline.

    Args:
        own, base: two configurations on the same pairs; the seeds that both have count.
        names: of the categories, by their codes in the samples.

    Returns:
        One row per category and one for ``all``, the largest gain first: ``category, pairs, base,
        pck, effect, low, high`` in percent, ``p_holm`` (over the categories), ``reason`` (why there
        is no interval).
    """
    shared = [seed for seed in own if seed in base]
    first = own[shared[0]]
    parts = [(ALL, np.ones(len(first.pck), dtype=bool))]
    parts += [(name, first.category == code) for code, name in enumerate(names)]
    rows: list[tuple[object, ...]] = []
    for name, of in parts:
        if of.any():
            both = [{seed: row[seed].part(of) for seed in shared} for row in (base, own)]
            (gap,) = gaps(both[1:], both[0])
            assert gap is not None
            pck = [np.mean([samples.pck.mean() for samples in row.values()]) for row in both]
            means = (*pck, gap.effect, gap.low, gap.high)
            numbers = (100 * mean for mean in means)
            rows.append((name, int(of.sum()), *numbers, gap.p_value, gap.reason))
    names_of = ["category", "pairs", "base", "pck", "effect", "low", "high", "p_holm", "reason"]
    found = pd.DataFrame(rows, columns=names_of)
    whole, single = found[:1], found[1:]
    single = single.assign(p_holm=holm(single["p_holm"].tolist()))
    ranked = single.sort_values("effect", ascending=False, kind="stable")
    return pd.concat([whole, ranked], ignore_index=True)


@page.styled
def categories(found: dict[page.Place, pd.DataFrame], *, measure: str) -> Figure:
    """Bars of the difference to the baseline by category, with 95 % intervals.

    Full colors are differences that are significant after Holm's correction. The numbers at the
    right are the configuration's PCK.

    Args:
        found: (data set, split) to its `differences`.
        measure: such as ``PCK@0.1``.

    Returns:
        The figure, one panel per data set.
    """
    most = max(len(rows) for rows in found.values())
    figure, panels = page.of_places(list(found), height=1.15 + 0.15 * most)
    for panel, rows in zip(panels, found.values(), strict=True):
        y = np.arange(len(rows), dtype=float)
        y[1:] += 0.5  # `all` stands apart
        colors = [_GAIN if effect >= 0 else _LOSS for effect in rows["effect"]]
        bars = panel.barh(y, rows["effect"], height=0.72, color=colors, linewidth=0)
        for bar, p_value in zip(bars, rows["p_holm"], strict=True):
            bar.set_alpha(1.0 if p_value < LEVEL else 0.35)
        panel.hlines(y, rows["low"], rows["high"], color="black", linewidth=0.8, zorder=3)
        panel.axvline(0, color=page.GREY, linewidth=0.8)
        panel.set_yticks(y, [page.shortened(name, 20) for name in rows["category"]])
        panel.tick_params("y", length=0, labelsize=6.5)
        panel.get_yticklabels()[0].set_fontweight("bold")
        panel.set_ylim(most + 0.1, -0.6)
        low, high = panel.get_xlim()
        widest = max(abs(low), abs(high), 2.0)
        panel.set_xlim(max(low, -widest, -100), min(widest, 100))
        panel.grid(visible=False, axis="y")
        for height, text in [(-0.95, "%"), *zip(y, rows["pck"].map("{:.0f}".format), strict=True)]:
            panel.text(
                1.02, height, text, transform=panel.get_yaxis_transform(),
                fontsize=6, va="center", ha="left", color=page.GREY,
            )  # fmt: skip
        panel.set_xlabel(f"Δ {measure} (points)")
    page.key(
        figure,
        [
            Patch(color=_GAIN, label="gain"),
            Patch(color=_LOSS, label="loss"),
            Patch(color=page.GREY, alpha=0.35, label="not significant"),
        ],
    )
    return figure


def _names(study: Results, dataset: str, split: str) -> list[str]:
    """The objects of a split by their codes in `study.analysis.results.Results.samples`."""
    rows = at(study.index, dataset, split)
    _, pairs = study.folder.store.read_truth(str(rows["data"].iloc[0]))
    return sorted(set(pairs["category"].map(object_name)))


def _choices(study: Results) -> list[Names]:
    best = best_other(study)
    return [()] if best and shared(study.cells, [best, study.baseline]) else []


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    key = find(study, names[0] if names else "best")
    if key in study.seeds_of(study.baseline).values():
        raise SD4MatchError("categories: the configuration is the baseline itself: name another")
    places = shared(study.cells, [key, study.baseline])
    if not places:
        raise SD4MatchError(f"categories: {key} and the baseline are not measured on the same data")
    found = {
        place: differences(
            study.row(key, *place, alpha),
            study.row(study.baseline, *place, alpha),
            _names(study, *place),
        )
        for place in places
    }
    figure = categories(found, measure=f"PCK@{alpha:g}")
    apart = distinguished(configurations(study.cells), [study.baseline, key])
    what = "Best on validation" if not names or names[0] == "best" else "Configuration"
    page.note(
        figure,
        f"{what} ({apart[key]}) against the baseline ({apart[study.baseline]}). 95 % intervals "
        f"({for_others(study, [key])}); full color: p < {LEVEL:g} after Holm's correction; "
        f"numbers: PCK. {_unbounded(found)}{closing(study, [key, study.baseline])}",
    )
    return figure


def _unbounded(found: dict[page.Place, pd.DataFrame]) -> str:
    """Which bars have no interval, and why."""
    rows = pd.concat(found.values())
    why = rows[rows["reason"].notna()].groupby("reason", sort=False)["category"].unique()
    return "".join(
        f"No interval for {', '.join(names)}: {reason}. " for reason, names in why.items()
    )


KIND = Kind(
    name="categories",
    shows="difference to the baseline by category",
    lacks="a best configuration that is not the baseline",
    choices=_choices,
    draw=_draw,
    takes="one configuration",
    counts=(0, 1),
)
