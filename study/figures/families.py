"""Prompt families by the length of their prompt."""

from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study import labels
from study.ablation import Samples, configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import around, fidelity, intervals, middle, ordered, shown

if TYPE_CHECKING:
    from study.study import Study

PROMPT, LENGTH = "prompt", "length"


@page.styled
def families(
    cells: pd.DataFrame,
    samples: Samples,
    *,
    base: str,
    alpha: float = 0.1,
    fidelity: str = "full",
    resamples: int = 2000,
) -> Figure:
    """PCK of each prompt family by prompt length, with 95 % intervals; one panel a data set.

    A family of several lengths is a line, one of a single length a point with a bar, and one
    without a length of its own a dashed line across.

    Args:
        cells, samples: see `study.ablation`.
        base: the configuration that all others equal but for prompt and length.
        alpha: threshold of PCK.
        fidelity: what was cut short, in words.
        resamples: as for `study.stats.interval`.

    Raises:
        SD4MatchError: nothing was measured.
    """
    table = configurations(cells)
    keys = around(table, base=base, free=(PROMPT, LENGTH))
    places = shown(cells, keys)
    if not places:
        raise SD4MatchError("nothing of the prompt families is measured yet")
    found = intervals(cells, samples, keys, places, [alpha], resamples=resamples)
    found[PROMPT] = found["configuration"].map(lambda key: table[key][PROMPT])
    found[LENGTH] = found["configuration"].map(lambda key: table[key][LENGTH])
    names = [str(name) for name in ordered(table, PROMPT, keys)]
    at = page.positions([float(str(v)) for v in ordered(table, LENGTH, keys)])
    figure, panels = page.page(
        len(places), height=2.6, titles=[page.titled(*place) for place in places]
    )
    for panel, (dataset, split) in zip(panels, places, strict=True):
        part = found[(found["dataset"] == dataset) & (found["split"] == split)]
        for i, name in enumerate(names):
            # Several without a length (a cpm prompt has two of its own): the first is drawn.
            rows = part[part[PROMPT] == name]
            color, marker = page.PALETTE[i % 10], page.MARKERS[i % len(page.MARKERS)]
            line: dict[str, Any] = {"color": color, "zorder": 3}
            if rows[LENGTH].isna().all():
                panel.axhline(rows["pck"].iloc[0], linestyle="--", linewidth=1.1, **line)
                continue
            rows = rows.sort_values(LENGTH)
            where = rows[LENGTH].astype(float).map(at).to_numpy(dtype=float)
            pck, low, high = (rows[c].to_numpy(dtype=float) for c in ("pck", "low", "high"))
            panel.plot(where, pck, marker=marker, markersize=4, **line)
            if len(rows) > 1:
                panel.fill_between(where, low, high, color=color, alpha=0.12, linewidth=0)
            else:
                panel.vlines(where, low, high, linewidth=1.1, **line)
        page.ticks(panel, at)
        panel.set_xlabel(labels.axis(LENGTH))
        page.limits(panel, "y")
    panels[0].set_ylabel(f"PCK@{alpha:g} (%)")
    across = {name for name in names if found.loc[found[PROMPT] == name, LENGTH].isna().all()}
    page.key(
        figure,
        [
            page.swatch(
                page.shortened(name, 30),
                color=page.PALETTE[i % 10],
                linestyle="--" if name in across else "-",
                marker="" if name in across else page.MARKERS[i % len(page.MARKERS)],
                markersize=4,
            )
            for i, name in enumerate(names)
        ],
    )
    dashes = " Dashed: no length of its own." if across else ""
    training = labels.training(table[name] for name in keys)
    page.note(
        figure,
        f"95 % intervals (images resampled).{dashes} Training: {training}. Fidelity: {fidelity}.",
    )
    return figure


def _choices(study: "Study") -> list[Names]:
    base = middle(study)
    table = configurations(study.cells)
    keys = around(table, base=base, free=(PROMPT, LENGTH))
    sizes = [len(ordered(table, axis, keys)) for axis in (PROMPT, LENGTH)]
    return [()] if min(sizes) > 1 else []


def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    if names:
        raise SD4MatchError("a figure of kind families takes no names: it shows all of them")
    return families(
        study.cells,
        study.samples,
        base=middle(study),
        alpha=alpha,
        fidelity=fidelity(study),
    )


KIND = Kind(
    "families", "PCK of prompt families by prompt length", "", "prompts of several families and "
    "lengths", _choices, _draw,
)  # fmt: skip
