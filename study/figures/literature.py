"""Published ablation curves, in grey below a study's own curve along an axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sd4match.errors import SD4MatchError
from study.analysis.published import COMPLETE, PUBLISHED, Published, curves
from study.figures import page
from study.space import labels

_GREY = "#8f8f8f"
_DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Below:
    """The published curves of a figure.

    Attributes:
        curves: data set to name to points, as `study.analysis.published.curves` gives them.
    """

    curves: Mapping[str, Mapping[str, Sequence[Published]]]

    @classmethod
    def of(cls, axis: str, datasets: Sequence[str], alpha: float) -> "Below":
        """Those along an axis, on the data sets of a figure, at its alpha.

        Raises:
            SD4MatchError: there are none; says of which axes there are.
        """
        found = {dataset: curves(axis, dataset, alpha) for dataset in datasets}
        if not any(found.values()):
            known = dict.fromkeys(
                f"{row.axis} on {labels.dataset(row.dataset)} at PCK@{row.alpha:g}"
                for row in PUBLISHED
                if row.axis
            )
            raise SD4MatchError(
                f"no published curve of {axis} on {', '.join(map(labels.dataset, datasets))} at"
                f" PCK@{alpha:g}; there are curves of {'; '.join(known)}"
            )
        return cls(found)

    @property
    def names(self) -> list[str]:
        """The values that are names, which a figure of names shows below its own."""
        every = (row.value for of in self.curves.values() for rows in of.values() for row in rows)
        return list(dict.fromkeys(value for value in every if isinstance(value, str)))

    def beyond(self, own: list[float]) -> list[float]:
        """The values of a study, and those published below or above all of them; ascending."""
        every = (row.value for of in self.curves.values() for rows in of.values() for row in rows)
        numbers = {float(v) for v in every if isinstance(v, int | float)}
        return sorted({*own, *(v for v in numbers if not own[0] <= v <= own[-1])})

    def lines(self, panel: Axes, dataset: str, where: Mapping[float, float]) -> None:
        """Draw a data set's curves along numbers; across the panel where the axis does not apply.

        Args:
            panel: where.
            dataset: of the panel.
            where: positions of some values, ascending; the others are between them.
        """
        for name, rows in self.curves.get(dataset, {}).items():
            points = [(row.value, row.pck) for row in rows if isinstance(row.value, int | float)]
            if points:
                at = np.interp([v for v, _ in points], list(where), list(where.values()))
                panel.plot(at, [pck for _, pck in points], **self._style(name))
            else:
                panel.axhline(rows[0].pck, **self._style(name) | {"marker": ""})

    def points(self, panel: Axes, dataset: str, where: Mapping[str, float]) -> None:
        """Draw a data set's points along names, each on a row of its own."""
        for name, rows in self.curves.get(dataset, {}).items():
            known = [row for row in rows if row.value in where]
            style = self._style(name) | {"linestyle": "none"}
            panel.plot(
                [row.pck for row in known], [where[str(row.value)] for row in known], **style
            )

    def swatches(self) -> list[Line2D]:
        """The entries of the curves in the figure's key."""
        lines = not self.names
        return [page.swatch(name, **self._style(name, line=lines)) for name in self._order()]

    def note(self) -> str:
        """What the curves are, and which work printed them; begins with a space."""
        works: dict[str, dict[str, None]] = {}
        for of in self.curves.values():
            for name, (row, *_) in of.items():
                over = "pairs" if row.average == "image" else "keypoints"
                pairs = "" if row.subset == COMPLETE else f"{row.subset}, "
                work = f"{row.source} ({pairs}{row.note or f'mean over {over}'})"
                works.setdefault(work, {})[name] = None
        said = "; ".join(f"{', '.join(names)}: {work}" for work, names in works.items())
        return f" Grey: published; compare shapes, not heights. {said}." if said else ""

    def _order(self) -> list[str]:
        return list(dict.fromkeys(name for of in self.curves.values() for name in of))

    def _style(self, name: str, *, line: bool = True) -> dict[str, Any]:
        rank = self._order().index(name)
        return {
            "color": _GREY, "linewidth": 1, "zorder": 1.5, "markersize": 3.5, "mfc": "white",
            "marker": page.MARKERS[rank % len(page.MARKERS)],
            "linestyle": _DASHES[rank % len(_DASHES)] if line else "none",
        }  # fmt: skip
