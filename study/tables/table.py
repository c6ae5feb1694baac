"""`Table`: text for a terminal, Markdown, HTML, LaTeX or CSV, and the numbers behind it."""

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd
from tabulate import tabulate

from study.analysis.rows import no_formulas

BEST, SECOND = "best", "second"
Mark = tuple[int, int]
"""Row and column of a cell of `Table.formatted`, from 0."""

SUPERSCRIPTS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
"""Footnote letters, in order; Unicode has none for q."""
_LETTERS = "abcdefghijklmnoprstuvwxyz"

# What pdfLaTeX does not know in text mode, or reads as a command.
_LATEX = {
    "\\": r"\textbackslash{}", **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$",
    "|": r"\textbar{}", "[": "{[}",  # bare, after the end of a row, it is an option of the command
    "−": "$-$", "–": "--", "—": "---", "…": r"\dots{}", "±": r"$\pm$", "×": r"$\times$",
    "≤": r"$\leq$", "†": r"\dag{}", "‡": r"\ddag{}", "σ": r"$\sigma$", "β": r"$\beta$",
    **{
        sign: f"\\textsuperscript{{{plain}}}"
        for sign, plain in zip(SUPERSCRIPTS, _LETTERS, strict=True)
    },
}  # fmt: skip
_WRAPS = {
    "markdown": {BEST: "**{}**", SECOND: "<ins>{}</ins>"},
    "html": {BEST: "<b>{}</b>", SECOND: "<u>{}</u>"},
    "latex": {BEST: r"\textbf{{{}}}", SECOND: r"\underline{{{}}}"},
}


@dataclass(frozen=True, eq=False)
class Table:
    """A table to read and the numbers behind it.

    Attributes:
        title: what it shows.
        formatted: the cells as text; a line break separates a value from its difference.
        raw: the numbers, one row per cell, shares in [0, 1].
        footnotes: what a reader must know to use the numbers.
        marks: the cells that are the best and the second of what they are compared with.
    """

    title: str
    formatted: pd.DataFrame
    raw: pd.DataFrame
    footnotes: tuple[str, ...]
    marks: dict[Mark, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """GitHub Markdown; the best in bold, the second underlined."""
        rows = self._rows("markdown", _markdown)
        rows = [[cell.replace("\n", "<br>") for cell in row] for row in rows]
        body = _render(rows, [_markdown(name) for name in self._heads], "github")
        notes = "\n".join(f"- {_markdown(note)}" for note in self.footnotes)
        return f"**{_markdown(self.title)}**\n\n{body}\n\n{notes}\n"

    def text(self) -> str:
        """For a terminal."""
        notes = "\n".join(f"  {note}" for note in self.footnotes)
        rows = self.formatted.to_numpy().tolist()
        return f"{self.title}\n\n{_render(rows, self._heads, 'simple')}\n\n{notes}\n"

    def csv(self) -> str:
        """The raw numbers."""
        return no_formulas(self.raw).to_csv(index=False, lineterminator="\n")

    def json(self) -> str:
        """Title, raw numbers and notes, for programs."""
        rows = json.loads(self.raw.to_json(orient="records", double_precision=15))
        content = {"title": self.title, "rows": rows, "notes": self.footnotes}
        return json.dumps(content, indent=2) + "\n"

    def html(self) -> str:
        """An HTML table with a caption; the best in bold, the second underlined."""
        rows = [
            "<tr>" + "".join(f"<td>{cell.replace(chr(10), '<br>')}</td>" for cell in row) + "</tr>"
            for row in self._rows("html", html.escape)
        ]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self._heads)
        notes = "<br>\n".join(map(html.escape, self.footnotes))
        return (
            f"<table>\n<caption>{html.escape(self.title)}</caption>\n"
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n"
            f'<tfoot><tr><td colspan="{len(self._heads)}">{notes}</td></tr></tfoot>\n</table>\n'
        )

    def latex(self) -> str:
        """A float with a booktabs tabular; the best in bold, the second underlined."""
        rows = []
        for row in self._rows("latex", _latex):
            lines = [cell.split("\n") for cell in row]
            for i in range(max(map(len, lines))):
                rows.append([line[i] if i < len(line) else "" for line in lines])
        body = _render(rows, [_latex(name) for name in self._heads], "latex_raw")
        # tabulate's own booktabs style would escape the commands.
        first, last = body.index("\\hline"), body.rindex("\\hline")
        ruled = (
            body[:first] + r"\toprule" + body[first + 6 : last] + r"\bottomrule" + body[last + 6 :]
        )
        ruled = ruled.replace("\\hline", r"\midrule", 1)
        notes = "\\\\\n".join(map(_latex, self.footnotes))
        return (
            f"\\begin{{table}}\n\\centering\n\\caption{{{_latex(self.title)}}}\n{ruled}\n"
            f"\\par\\smallskip\\raggedright\\footnotesize\n{notes}\n\\end{{table}}\n"
        )

    @property
    def _heads(self) -> list[str]:
        return [str(name) for name in self.formatted.columns]

    def _rows(self, form: str, escape: Callable[[str], str]) -> list[list[str]]:
        """The cells, escaped, with what is best and second put into a format's marks."""
        rows = [[escape(cell) for cell in row] for row in self.formatted.to_numpy().tolist()]
        for (row, column), mark in self.marks.items():
            number, rest = re.fullmatch(r"(\S+)(.*)", rows[row][column], re.DOTALL).groups()  # type: ignore[union-attr]
            rows[row][column] = _WRAPS[form][mark].format(number) + rest
        return rows


FORMATS: dict[str, Callable[[Table], str]] = {
    "text": Table.text,
    "markdown": Table.markdown,
    "latex": Table.latex,
    "html": Table.html,
    "csv": Table.csv,
    "json": Table.json,
}
"""Format to the method that writes a table in it."""


def marks(values: Mapping[Mark, float | None]) -> dict[Mark, str]:
    """The best and the second of some cells' shares, compared as they are shown; ties share."""
    shown = {cell: round(100 * v, 1) for cell, v in values.items() if v is not None and v == v}
    order = sorted(set(shown.values()), reverse=True)
    if len(shown) < 2:
        return {}  # nothing to compare with
    ranks = dict(zip(order[:2], (BEST, SECOND), strict=False))
    return {cell: ranks[v] for cell, v in shown.items() if v in ranks}


def _markdown(text: str) -> str:
    """Text escaped for a cell of Markdown: no column border, no HTML tag."""
    return re.sub(r"<(?=[\w/!?])", "&lt;", text.replace("|", "\\|"))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _render(rows: list[list[str]], heads: list[str], style: str) -> str:
    # Numbers are formatted already; tabulate would turn "0.10" into "0.1".
    return tabulate(rows, headers=heads, tablefmt=style, disable_numparse=True)
