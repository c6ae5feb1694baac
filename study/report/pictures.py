"""The figures of a report: all that the study can draw without a model."""

import re
from dataclasses import dataclass

from sd4match.errors import SD4MatchError
from study import figures
from study.analysis.results import Results
from study.figures.kind import Kind
from study.figures.page import Figure

_SHOWN_ELSEWHERE = ("examples", "importance")
"""Kinds that the page shows as a control or a list."""

_PAGE = {
    "#000000": "var(--ink)",
    "#262626": "var(--ink)",
    "#555555": "var(--muted)",
    "#e6e6e6": "var(--grid)",
    "#ffffff": "var(--surface)",
}
"""Colors of paper to the colors of the page, in figures without pixels."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure, or why there is none.

    Attributes:
        stem: of its file.
        title: what it shows; also its text alternative.
        axis: the axis that it shows; None for the whole study.
        figure: None where nothing could be drawn.
        reason: why not.
    """

    stem: str
    title: str
    axis: str | None
    figure: Figure | None
    reason: str = ""


def pictures(study: Results) -> list[Picture]:
    """All figures that this study can show."""
    found = []
    for view in figures.applicable(study):
        if not _wanted(view.kind):
            continue
        axis = view.names[0] if view.kind.name == "axis" else None
        about = (view.stem, view.title, axis)
        try:
            found.append(Picture(*about, view.draw()))
        except SD4MatchError as error:  # nothing of it was measured yet
            found.append(Picture(*about, None, str(error)))
    return found


def _wanted(kind: Kind) -> bool:
    return kind.reads != "model" and kind.name not in _SHOWN_ELSEWHERE


def inline(picture: Picture) -> str:
    """A picture as SVG for the page, which sets its size and its neutral colors.

    Pictures with pixels in them (heat maps) keep their colors, on white ground.
    """
    assert picture.figure is not None
    svg = figures.svg(picture.figure, title=picture.title)
    points = round(72 * picture.figure.get_figwidth())
    svg = re.sub(
        r'\bwidth="[\d.]+pt" height="[\d.]+pt"', f'style="--points: {points}"', svg, count=1
    )
    if "<image" not in svg:
        for paper, page in _PAGE.items():
            svg = re.sub(rf"(fill|stroke): {paper}", rf"\1: {page}", svg)
    return svg
