"""Writing a report: one HTML file that contains everything, or Markdown with figures beside it."""

import base64
import hashlib
import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from sd4match.errors import require_known
from sd4match.files.atomic import atomic_path
from study.analysis.results import Results
from study.figures.saving import save
from study.report.content import Content, collect
from study.report.examples import Example
from study.report.grids import Cell
from study.report.influence import MOST
from study.report.pictures import inline
from study.report.summary import words
from study.space import labels
from study.space.labels import several

FORMATS = {"html": "report.html", "md": "report.md"}
"""Formats and the names of their files."""

FIRST_ROWS = 30
"""Rows of the large table in the page itself; the script draws the others on demand."""

_PAGE = Path(__file__).parent / "page"


def write(study: Results, *, form: str = "html", out: Path | None = None) -> Path:
    """Write a study's report; the same study gives the same bytes.

    Args:
        study: finished or running.
        form: a key of `FORMATS`.
        out: the file; in the study's folder by default. Markdown puts its figures into a folder
            ``figures`` beside it.

    Returns:
        The file.

    Raises:
        SD4MatchError: an unknown format, damaged records, or no place to write.
    """
    require_known(form, FORMATS, what="format")
    file = out or study.folder.path / FORMATS[form]
    report = collect(study)
    text = html(report) if form == "html" else markdown(report)
    if form == "md":
        for picture in (*(section.picture for section in report.sections), *report.pictures):
            if picture and picture.figure:
                save(picture.figure, file.parent / "figures", picture.stem, formats=["svg"])
    _write(file, text)
    return file


def html(report: Content) -> str:
    """The report as one HTML page that needs no other file and no network."""
    style, script = (_text(name) for name in ("style.css", "report.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    titles = {
        "summary": "Summary",
        "best": "Best configuration",
        "axes": "Axis by axis",
        **({"figures": "More figures"} if report.pictures else {}),
        "examples": "Examples",
        "configurations": "All configurations",
        "cost": "Cost and sharing",
        "missing": "Missing and failed",
        "provenance": "Provenance",
    }
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            words=words(report),
            titles=titles.items(),
            largest=max((one.value for one in report.ranking.influences), default=1.0) or 1.0,
            reach=_reach(report),
            first_rows=FIRST_ROWS,
            style=Markup(style),  # files of this package, no user's data
            script=Markup(script),
            script_hash=f"sha256-{digest}",
        )
    )


def markdown(report: Content) -> str:
    """The report for a repository; its figures are files in ``figures``."""
    return _environment().get_template("report.md.j2").render(report=report, words=words(report))


def _reach(report: Content) -> float:
    """The largest bound of a difference, which scales the whiskers of all tiles."""
    gaps = [score.gap for score in report.best.scores if score.gap] if report.best else []
    ends = [abs(end) for gap in gaps for end in (gap.low, gap.high) if not math.isnan(end)]
    return max(ends, default=0.0) or 1.0


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("study.report", "page"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": labels.percent,
        "points": labels.signed,
        "inline": lambda picture: Markup(inline(picture)),  # drawn and escaped by Matplotlib
        "texts": _texts,
        "found": _found,
        "hits": lambda found: f"{sum(hit for *_, hit in found)} of {len(found)} found",
        "line": _line,
        "capital": lambda text: text[:1].upper() + text[1:],
    }
    environment.globals |= {"bounds": labels.bounds, "several": several, "most": MOST}
    return environment


def _texts(rows: Iterable[Sequence[Cell]]) -> list[list[str]]:
    return [[cell.text for cell in row] for row in rows]


def _found(examples: Sequence[Example]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(key for example in examples for key in example.found)
    return {
        key: [
            [[x, y, int(hit)] for x, y, hit in example.found[key]] if key in example.found else None
            for example in examples
        ]
        for key in keys
    }


def _line(text: str) -> str:
    """Text escaped for Markdown: no markup, no HTML, no end of a table's cell."""
    one = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#~$&" else sign for sign in one)


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _write(file: Path, text: str) -> None:
    with atomic_path(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
