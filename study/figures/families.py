"""Prompt families by the length of their prompt."""

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from study import labels
from study.comparison import around, configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import (
    at,
    drawable,
    elsewhere,
    fidelity,
    intervals,
    middle,
    ordered,
)

if TYPE_CHECKING:
    from study.study import Study

PROMPT, LENGTH = "prompt", "length"


@page.styled
def _draw(study: "Study", names: Names, alpha: float) -> Figure:
    """PCK of each prompt family by prompt length, with 95 % intervals; one panel a data set.

    A family of several lengths is a line, one of a single length a point with a bar, and one
    without a length of its own a dashed line across.
    """
    table, base = configurations(study.cells), middle(study)
    keys = around(table, base=base, free=(PROMPT, LENGTH))
    places = drawable(study.cells, keys, "the prompt families")
    found = intervals(study.cells, study.samples, keys, places, [alpha])
    for axis in (PROMPT, LENGTH):
        found[axis] = [table[key][axis] for key in found["configuration"]]
    families = [str(name) for name in ordered(table, PROMPT, keys)]
    where = page.positions([float(str(v)) for v in ordered(table, LENGTH, keys)])
    across = {name for name in families if found.loc[found[PROMPT] == name, LENGTH].isna().all()}
    styles: dict[str, dict[str, Any]] = {
        name: {"color": page.PALETTE[i % 10]}
        | ({"linestyle": "--"} if name in across else {"marker": page.MARKERS[i % 10]})
        for i, name in enumerate(families)
    }
    figure, panels = page.of_places(places, height=2.6)
    for panel, place in zip(panels, places, strict=True):
        for name, rows in at(found, *place).groupby(PROMPT, sort=False):
            style = styles[str(name)]
            if name in across:
                # Several without a length (a cpm prompt has two of its own): the first is drawn.
                panel.axhline(rows["pck"].iloc[0], **style)
            else:
                rows = rows.sort_values(LENGTH)
                page.curve(panel, rows[LENGTH].map(where).to_numpy(dtype=float), rows, **style)
        page.ticks(panel, where)
        panel.set_xlabel(labels.axis(LENGTH))
        page.limits(panel, "y")
    panels[0].set_ylabel(f"PCK@{alpha:g} (%)")
    page.key(figure, [page.swatch(name, markersize=4, **styles[name]) for name in families])
    unknown = found[found["pck"].isna()].drop_duplicates([PROMPT, "dataset"])
    lost = ", ".join(
        f"{prompt} on {labels.dataset(dataset)}"
        for prompt, dataset in zip(unknown[PROMPT], unknown["dataset"], strict=True)
    )
    at_base = elsewhere(table, base, free=[PROMPT])
    page.note(
        figure,
        f"95 % intervals (images resampled).{' Dashed: no length of its own.' * bool(across)} "
        f"{f'Not measured: {lost}. ' if lost else ''}Elsewhere {at_base}. "
        f"Training: {labels.training(table[name] for name in keys)}. Fidelity: {fidelity(study)}.",
    )
    return figure


def _choices(study: "Study") -> list[Names]:
    table = configurations(study.cells)
    keys = around(table, base=middle(study), free=(PROMPT, LENGTH))
    sizes = [len(ordered(table, axis, keys)) for axis in (PROMPT, LENGTH)]
    return [()] if min(sizes) > 1 else []


KIND = Kind(
    name="families",
    shows="PCK of prompt families by prompt length",
    lacks="prompts of several families and lengths",
    choices=_choices,
    draw=_draw,
)
