"""A table in the formats that people read: terminal, GitHub, LaTeX, and raw numbers."""

from dataclasses import dataclass

import pandas as pd
from tabulate import tabulate

# What pdfLaTeX does not know in text mode.
_LATEX = {"−": "$-$", "–": "--", "σ": r"$\sigma$", "β": r"$\beta$"}


@dataclass(frozen=True, eq=False)
class Table:
    """A table to read and the numbers behind it.

    Attributes:
        title: what it shows.
        formatted: the cells as text; a line break separates a value from its difference.
        raw: the numbers, one row a cell, shares in [0, 1].
        footnotes: what a reader must know to use the numbers.
    """

    title: str
    formatted: pd.DataFrame
    raw: pd.DataFrame
    footnotes: tuple[str, ...]

    def markdown(self) -> str:
        """GitHub Markdown."""
        broken = self.formatted.map(lambda cell: cell.replace("\n", "<br>").replace("|", "\\|"))
        notes = "\n".join(f"- {note}" for note in self.footnotes)
        return f"**{self.title}**\n\n{_render(broken, 'github')}\n\n{notes}\n"

    def text(self) -> str:
        """For a terminal."""
        notes = "\n".join(f"  {note}" for note in self.footnotes)
        return f"{self.title}\n\n{_render(self.formatted, 'simple')}\n\n{notes}\n"

    def csv(self) -> str:
        """The raw numbers."""
        return self.raw.to_csv(index=False, lineterminator="\n")

    def latex(self) -> str:
        """A booktabs tabular; title and footnotes are comments."""
        lines = [cell.split("\n") for cell in self.formatted.to_numpy().ravel().tolist()]
        width = len(self.formatted.columns)
        rows = []
        for start in range(0, len(lines), width):
            cells = lines[start : start + width]
            for i in range(max(map(len, cells))):
                rows.append([cell[i] if i < len(cell) else "" for cell in cells])
        split = pd.DataFrame(rows, columns=self.formatted.columns)
        notes = "\n".join(f"% {note}" for note in self.footnotes)
        body = _render(split, "latex_booktabs")
        for sign, command in _LATEX.items():
            body = body.replace(sign, command)
        return f"% {self.title}\n{body}\n{notes}\n"


def _render(frame: pd.DataFrame, style: str) -> str:
    # Numbers are formatted already; tabulate would turn "0.10" into "0.1".
    return tabulate(
        frame.to_numpy().tolist(),
        headers=[str(name) for name in frame.columns],
        tablefmt=style,
        disable_numparse=True,
    )
