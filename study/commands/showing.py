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
    kind: Annotated[
        str | None, typer.Argument(help="axis, heatmap, families, …; all that apply if none")
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="axes, or configurations; the usual ones if none"),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="threshold of PCK; the study's usual by default")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder; the study's own figures/ by default")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option(help="some of png, svg, pdf, with commas")
    ] = "png,svg,pdf",
    results: Results = Path("results"),
) -> None:
    """Draw figures and list their files.

    Example: study plot quickstart

    Example: study plot quickstart axis timestep --format pdf

    Example: study plot quickstart categories best
    """
    from study import figures

    study = open_study(name, results)
    wanted = figures.views(study, kind, names or ()) if kind else figures.applicable(study)
    folder = out or study.folder.path / "figures"
    reasons = []
    for view in wanted:
        stem = view.stem if alpha is None else f"{view.stem}@{alpha:g}"
        try:
            figure = view.draw(alpha=alpha)
        except SD4MatchError as error:
            if len(wanted) == 1:
                raise
            reasons.append(str(error))
            typer.echo(f"not drawn: {stem}: {error}", err=True)
            continue
        for file in figures.save(figure, folder, stem, formats=format.split(",")):
            typer.echo(file)
    if len(reasons) == len(wanted):
        raise SD4MatchError(f"study {study.name}: no figure can be drawn yet")
