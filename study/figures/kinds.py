"""Registry of figure kinds: list those that a study supports, and draw them.

Each kind has a module with a pure function from frames to a figure, and a `Kind` that says whether
a study can draw it and takes the frames from the study.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.figures import (
    alphas,
    axis,
    categories,
    correlation,
    curves,
    examples,
    heatmap,
    history,
    importance,
    lines,
    pareto,
)
from study.figures.kind import View

KINDS = {
    kind.name: kind
    for kind in (
        axis.KIND, heatmap.KIND, lines.FAMILIES, lines.KERNEL, alphas.KIND, categories.KIND,
        importance.KIND, pareto.KIND, history.KIND, curves.KIND, examples.KIND, correlation.KIND,
    )
}  # fmt: skip
"""Every kind of figure, by its name."""


def applicable(study: Results) -> list[View]:
    """The figures that a study can draw, cheap ones first; nothing is drawn or computed yet.

    None while a search has not planned its baseline, which it does last and most figures need.
    """
    if study.baseline not in study.configurations().index:
        return []
    return [View(study, kind, names) for kind in KINDS.values() for names in kind.choices(study)]


def views(study: Results, kind: str, names: Sequence[str] = ()) -> list[View]:
    """The figures of one kind: of some names, or all the usual ones.

    Args:
        study: the study.
        kind: one of `KINDS`.
        names: axes or configurations, as the kind takes them.

    Raises:
        SD4MatchError: no such kind, or the study cannot draw it; says what it can.
    """
    if kind not in KINDS:
        hint = f"; for the figure of an axis give `axis {kind}`" if kind in study.axes else ""
        raise SD4MatchError(f"no kind of figure {kind!r}{hint}; {_can(study)}")
    if names:
        return [View(study, KINDS[kind], tuple(names))]
    choices = KINDS[kind].choices(study)
    if not choices:
        raise SD4MatchError(
            f"{kind} needs {KINDS[kind].lacks}, which study {study.name} does not have; "
            f"{_can(study)}"
        )
    return [View(study, KINDS[kind], of) for of in choices]


def draw(
    study: Results,
    kind: str,
    names: Sequence[str] = (),
    *,
    alpha: float | None = None,
    published: bool = False,
) -> Figure:
    """One figure.

    Args:
        study, kind, names: as for `views`; without names, the first of the usual ones.
        alpha, published: as for `study.figures.kind.View.draw`.

    Raises:
        SD4MatchError: as `views` and `study.figures.kind.View.draw`.
    """
    return views(study, kind, names)[0].draw(alpha=alpha, published=published)


def _can(study: Results) -> str:
    kinds = dict.fromkeys(view.kind.name for view in applicable(study))
    return f"study {study.name} can draw {', '.join(kinds) or 'none yet'}"
