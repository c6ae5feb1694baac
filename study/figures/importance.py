"""Figure of the importance of axes, alone and in pairs."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import closing
from study.search.ped_anova import study_importance

_ALONE, _TOGETHER = page.PALETTE[0], page.PALETTE[1]
_MOST = 15


@page.styled
def importance(found: pd.DataFrame, *, of: str = "PCK", ending: str = "") -> Figure:
    """Bars of how much each axis matters, with interactions of two and 95 % intervals.

    Args:
        found: see `study.search.ped_anova.study_importance`: ``axis, other`` (None for an axis
            alone), ``kind`` (the meaning of the values, in words), ``value, low, high``; NaN bounds
            draw no interval.
        of: the metric in words.
        ending: of the note.

    Returns:
        The figure, the most important first; of more than 15 effects the first 15.

    Raises:
        SD4MatchError: there is no effect.
    """
    known = found[found["value"].notna()]
    if known.empty:
        raise SD4MatchError("importance: no effect of any axis was found: measure more first")
    ranked = known.sort_values(["value", "high"], ascending=False, kind="stable")
    rows, left_out = ranked.iloc[:_MOST], ranked.iloc[_MOST:]
    alone = rows["other"].isna().to_numpy()
    figure, (panel,) = page.page(1, height=1.0 + 0.2 * len(rows))
    at = np.arange(len(rows))
    value, low, high = (100 * rows[name].to_numpy(dtype=float) for name in ("value", "low", "high"))
    colors = [_ALONE if one else _TOGETHER for one in alone]
    panel.barh(at, value, height=0.7, color=colors, linewidth=0)
    panel.hlines(at, low, high, color="black", linewidth=0.9, zorder=3)
    names = [
        str(axis) if one else f"{axis} × {other}"
        for axis, other, one in zip(rows["axis"], rows["other"], alone, strict=True)
    ]
    panel.set_yticks(at, [page.shortened(name, 34) for name in names])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.tick_params("y", length=0)
    panel.grid(visible=False, axis="y")
    panel.set_xlim(min(0.0, np.nanmin([*low, 0.0])), None)
    kind = str(rows["kind"].iloc[0])
    panel.set_xlabel(f"{kind} ({'%' if 'share' in kind else 'points'})")
    if not alone.all():
        keys = [Patch(color=_ALONE, label="axis alone"), Patch(color=_TOGETHER, label="two axes")]
        page.key(figure, keys)
    text = f"Measured by {of}. Lines: 95 % intervals."
    if len(left_out):
        text += (
            f" {len(left_out)} smaller ones, at most {100 * left_out['value'].max():.1f}, omitted."
        )
    page.note(figure, f"{text} {ending}")
    return figure


def _choices(study: Results) -> list[Names]:
    return [()] if study.metric is not None and len(study.configurations()) > 1 else []


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    return importance(
        study_importance(study),
        of=page.measure(str(study.metric)),
        ending=closing(study, study.configurations().index),
    )


KIND = Kind(
    name="importance",
    shows="importance of the axes",
    lacks="an axis that varies",
    choices=_choices,
    draw=_draw,
)
