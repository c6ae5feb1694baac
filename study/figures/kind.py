"""What a kind of figure is: whether a study can draw it, of what, and how."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study.analysis.results import Results

Names = tuple[str, ...]
"""What a figure is of: axes, or keys of configurations."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of figure.

    Attributes:
        name: as `study plot` takes it.
        shows: what is to be seen, in words.
        lacks: what a study has not that cannot draw it.
        choices: the names that a study can draw it of, the usual ones only; none where it cannot.
            Cheap: reads no more than the study's own files.
        draw: the figure of a study, some names (those of ``choices``, or a user's) and an alpha;
            raises `SD4MatchError` where there is nothing to draw.
        takes: what its names are, in words.
        counts: the fewest and the most of them.
        reads: the dearest thing that it needs: recorded ``scores``, the data set's ``images``, or
            the ``model``.
    """

    name: str
    shows: str
    lacks: str
    choices: Callable[[Results], list[Names]]
    draw: Callable[[Results, Names, float], Figure]
    takes: str = "no names: it shows all there is"
    counts: tuple[int, int] = (0, 0)
    reads: Literal["scores", "images", "model"] = "scores"


@dataclass(frozen=True)
class View:
    """A figure that a study can draw.

    Attributes:
        study: of what.
        kind: which kind.
        names: its axes or configurations; empty for a kind that takes none, or for its usual ones.
    """

    study: Results
    kind: Kind
    names: Names = ()

    @property
    def title(self) -> str:
        """What it shows, in words."""
        of = f": {' × '.join(self.names)}" if self.names else ""
        return self.kind.shows + of

    @property
    def stem(self) -> str:
        """Name of its files without their suffix; a pair's id may hold slashes."""
        return re.sub(r"[^\w.()-]", "_", "-".join([self.kind.name, *self.names]))

    def draw(self, *, alpha: float | None = None) -> Figure:
        """Draw it.

        Args:
            alpha: threshold of PCK; the study's usual one by default.

        Raises:
            SD4MatchError: too many names or an unknown one, or nothing of it was measured.
        """
        fewest, most = self.kind.counts
        if not fewest <= len(self.names) <= most:
            raise SD4MatchError(f"a figure of kind {self.kind.name} takes {self.kind.takes}")
        usual = self.study.rule.usual_alpha
        return self.kind.draw(self.study, self.names, usual if alpha is None else alpha)
