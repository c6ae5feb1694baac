"""Figure of PCK by alpha: whether a configuration that is best at 0.1 is best at 0.05 as well."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study.analysis import choosing
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import at, closing, distinguished, drawable, find, for_others, intervals
from study.figures.predictions import predicted_by_seed

STEPS = 20
_MOST = 10  # lines that can be distinguished
_USUAL = 6


def _usual(study: Results) -> list[str]:
    """The baseline, and the best of each prompt family, the highest first."""
    done = study.cells[study.cells["status"] == "done"]
    first = [study.baseline] if study.baseline in set(done["configuration"]) else []
    try:
        top = choosing.top(study)["prompt"]
    except SD4MatchError:  # nothing to choose by, or not measured yet
        return first
    return list(dict.fromkeys([*first, *map(str, top.index[~top.duplicated()])]))[:_USUAL]


def _choices(study: Results) -> list[Names]:
    return [()] if _usual(study) else []


@page.styled
def _draw(study: Results, names: Names, alpha: float) -> Figure:
    """PCK against alpha, one line per configuration; intervals at the study's own alphas."""
    keys = list(dict.fromkeys(find(study, name) for name in names)) or _usual(study)
    places = drawable(study.cells, keys, "these configurations")
    own = [float(each) for each in study.rule.alphas]
    grid = np.linspace(0, max(0.2, *own), STEPS + 1)[1:]
    scored = intervals(study, keys, places, own)
    apart = distinguished(configurations(study.cells), keys)
    figure, panels = page.of_places(places, height=2.6)
    entries = []
    for i, key in enumerate(keys):
        style: dict[str, Any] = {"color": page.PALETTE[i], "zorder": 3}
        marks: dict[str, Any] = {"marker": page.MARKERS[i], "markersize": 4}
        label = f"baseline: {apart[key]}" if key == study.baseline else apart[key]
        entries.append(page.swatch(label, **style, **marks))
        for panel, place in zip(panels, places, strict=True):
            points = at(scored[scored["configuration"] == key], *place)
            if points["pck"].isna().all():
                continue
            found = predicted_by_seed(study, key, *place).values()
            curve = [100 * np.mean([np.nanmean(of.shares(a)) for of in found]) for a in grid]
            panel.plot(grid, curve, **style)
            # Side by side, so that one bar does not hide the other.
            x = points["alpha"].to_numpy(dtype=float) + 0.0012 * (i - (len(keys) - 1) / 2)
            panel.plot(x, points["pck"], linestyle="none", **style, **marks)
            panel.vlines(x, points["low"], points["high"], linewidth=1, **style)
    for panel in panels:
        panel.set_xlabel("threshold α")
        panel.set_xlim(0, None)
        panel.set_ylim(0, None)
        page.limits(panel, "y")
    panels[0].set_ylabel("PCK@α (%)")
    page.key(figure, entries)
    chosen = "" if names else "The baseline, and the best of each prompt family on validation. "
    page.note(
        figure,
        f"{chosen}95 % intervals ({for_others(study, keys)}) at α = "
        f"{', '.join(f'{a:g}' for a in own)}. {closing(study, keys)}",
    )
    return figure


KIND = Kind(
    name="alphas",
    shows="PCK by alpha",
    lacks="anything measured",
    choices=_choices,
    draw=_draw,
    takes=f"at most {_MOST} configurations",
    counts=(0, _MOST),
)
