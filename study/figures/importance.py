"""Which axes matter, alone and together."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sd4match.errors import SD4MatchError
from study.figures import page
from study.figures.kind import Kind, Names

if TYPE_CHECKING:
    from study.study import Study

MAIN, INTERACTION = "main", "interaction"
_COLORS = {MAIN: page.PALETTE[0], INTERACTION: page.PALETTE[1]}
_MOST = 15


@page.styled
def importance(found: pd.DataFrame) -> Figure:
    """Bars of each axis's share of the variance of PCK, with interactions and intervals.

    Args:
        found: what ``Study.importance`` gives: ``axis, other`` (of an interaction), ``kind``
            ("main" or "interaction"), ``value, low, high`` as shares; NaN bounds draw no interval.

    Returns:
        The figure, the most important first; of more than 15 effects the first 15.

    Raises:
        SD4MatchError: there is no effect.
    """
    known = found[found["value"].notna()]
    if known.empty:
        raise SD4MatchError("importance: no effect of any axis was found: measure more first")
    rows = known.sort_values("value", ascending=False, kind="stable")
    left_out, rows = rows.iloc[_MOST:], rows.iloc[:_MOST]
    figure, (panel,) = page.page(1, height=0.95 + 0.2 * len(rows))
    at = np.arange(len(rows))
    percent = {name: 100 * rows[name].to_numpy(dtype=float) for name in ("value", "low", "high")}
    panel.barh(
        at,
        percent["value"],
        height=0.7,
        color=[_COLORS[kind] for kind in rows["kind"]],
        linewidth=0,
    )
    panel.hlines(at, percent["low"], percent["high"], color="black", linewidth=0.9, zorder=3)
    names = [
        row["axis"] if row["kind"] == MAIN else f"{row['axis']} × {row['other']}"
        for _, row in rows.iterrows()
    ]
    panel.set_yticks(at, [page.shortened(name, 34) for name in names])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.tick_params("y", length=0)
    panel.grid(visible=False, axis="y")
    panel.set_xlim(min(0.0, np.nanmin([*percent["low"], 0.0])), None)
    panel.set_xlabel("share of the variance of PCK (%)")
    there = [kind for kind in _COLORS if kind in set(rows["kind"])]
    words = {MAIN: "axis alone", INTERACTION: "interaction of two"}
    page.key(figure, [Patch(color=_COLORS[kind], label=words[kind]) for kind in there])
    said = "Lines: 95 % intervals." if np.isfinite(percent["low"]).any() else ""
    if len(left_out):
        rest = 100 * left_out["value"].max()
        said += f" {len(left_out)} smaller effects (at most {rest:.1f} %) are left out."
    if said:
        page.note(figure, said.strip())
    return figure


def _choices(study: "Study") -> list[Names]:
    there = hasattr(study, "importance")  # comes with the branch of the statistics
    return [()] if there and study.folder.facts["design"] in ("factorial", "search") else []


def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    if names:
        raise SD4MatchError("a figure of kind importance takes no names: it shows all axes")
    return importance(study.importance())


KIND = Kind(
    "importance", "importance of the axes", "", "many axes that vary together (design: factorial "
    "or search)", _choices, _draw,
)  # fmt: skip
