"""`Kind` and `View`: a kind of figure, and one figure of a study."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study.analysis.results import Results

_LONGEST = 200  # bytes of a file's name without its suffix; file systems take 255

Names = tuple[str, ...]
"""The subjects of a figure: axes, or keys of configurations."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of figure.

    Attributes:
        name: as `study plot` takes it.
        shows: its content, in words.
        lacks: what a study that cannot draw it lacks.
        choices: the usual names that a study can draw it with; none where it cannot. Cheap: reads
            only the study's own files.
        draw: the figure of a study, some names (those of ``choices``, or a user's) and an alpha;
            raises `SD4MatchError` where there is nothing to draw.
        draw_published: as ``draw``, with published curves below; None for kinds that have none.
        takes: the meaning of its names, in words.
        counts: the fewest and the most names.
        reads: the most expensive input that it needs: recorded ``scores``, the data set's
            ``images``, or the ``model``.
    """

    name: str
    shows: str
    lacks: str
    choices: Callable[[Results], list[Names]]
    draw: Callable[[Results, Names, float], Figure]
    draw_published: Callable[[Results, Names, float], Figure] | None = None
    takes: str = "no names: it shows everything"
    counts: tuple[int, int] = (0, 0)
    reads: Literal["scores", "images", "model"] = "scores"


@dataclass(frozen=True)
class View:
    """A figure that a study can draw.

    Attributes:
        study: the study.
        kind: the kind.
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
        """Name of its files without their suffix; a pair's id may hold slashes, and be long."""
        whole = re.sub(r"[^\w.()-]", "_", "-".join([self.kind.name, *self.names]))
        if len(whole.encode()) <= _LONGEST:
            return whole
        end = hashlib.sha256("-".join(self.names).encode()).hexdigest()[:10]
        return f"{whole.encode()[: _LONGEST - 11].decode(errors='ignore')}-{end}"

    def draw(self, *, alpha: float | None = None, published: bool = False) -> Figure:
        """Draw it.

        Args:
            alpha: threshold of PCK; the study's usual one by default.
            published: draw published curves below it, in grey.

        Raises:
            SD4MatchError: too many names or an unknown one, or nothing of it was measured; no
                curves for it were published.
        """
        fewest, most = self.kind.counts
        if not fewest <= len(self.names) <= most:
            raise SD4MatchError(f"a figure of kind {self.kind.name} takes {self.kind.takes}")
        usual = self.study.rule.usual_alpha
        draw = self.kind.draw_published if published else self.kind.draw
        if draw is None:
            raise SD4MatchError(
                f"no published curves for figures of kind {self.kind.name}: --published needs axis"
            )
        return draw(self.study, self.names, usual if alpha is None else alpha)
