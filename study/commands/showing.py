"""``study table | plot``: what goes into a paper."""

from pathlib import Path
from typing import Annotated

import typer

from sd4match.errors import SD4MatchError
from study.commands.options import Name, Results, open_study


def table(
    name: Name,
    axis: Annotated[str | None, typer.Argument(help="an axis; all configurations if none")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(help="text, markdown, csv or latex")
    ] = "text",
    results: Results = Path("results"),
) -> None:
    """Print an ablation table: one axis around the baseline, or the overview.

    Example: study table quickstart timestep --format markdown
    """
    made = open_study(name, results).table(axis)
    formats = {
        "text": made.text,
        "markdown": made.markdown,
        "csv": made.csv,
        "latex": made.latex,
    }
    if format not in formats:
        raise SD4MatchError(f"--format {format}: expected one of {', '.join(formats)}")
    typer.echo(formats[format]())


def plot(
    name: Name,
    axis: Annotated[str, typer.Argument(help="an axis")],
    alpha: Annotated[
        float | None, typer.Option(help="threshold of PCK; the study's usual by default")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder; the study's own figures/ by default")
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Draw PCK along an axis with intervals, as PNG and PDF.

    Example: study plot quickstart timestep
    """
    from study import figures

    study = open_study(name, results)
    folder = out or study.folder.path / "figures"
    stem = axis if alpha is None else f"{axis}@{alpha:g}"
    for file in figures.save(study.plot(axis, alpha=alpha), folder, stem):
        typer.echo(file)
