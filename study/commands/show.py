"""``study table | plot | report``: tables and figures for a paper, and one page on a study."""

from math import inf, nan
from pathlib import Path
from typing import Annotated

import typer

from sd4match.errors import SD4MatchError, require_known
from study.commands.options import Margin, Name, Protocol, Results, open_study, points


def table(
    name: Name,
    axis: Annotated[
        str | None,
        typer.Argument(help="an axis; `paper` for the main table; default: all configurations"),
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help="axes, dataset, alpha, category, viewpoint, scale, …")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="as --rows; default: dataset, or dataset,alpha for `paper`"),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="only these data sets")] = None,
    split: Annotated[
        str | None, typer.Option(help="test or val; default: test, or both if split is shown")
    ] = None,
    alpha: Annotated[str | None, typer.Option(help="only these thresholds, or all")] = None,
    where: Annotated[str | None, typer.Option(help="an SQL condition on the axes")] = None,
    best: Annotated[
        bool, typer.Option("--best", help="let validation choose the axes that are not shown")
    ] = False,
    published: Annotated[
        bool, typer.Option("--published", help="add published numbers to a table of axes")
    ] = False,
    beside: Annotated[
        list[str] | None, typer.Option("--with", help="another study; its rows are added below")
    ] = None,
    mixed: Annotated[
        bool,
        typer.Option("--mixed", help="allow results that are not comparable, and mark them"),
    ] = False,
    intervals: Annotated[bool, typer.Option(help="show 95 % intervals in --rows tables")] = True,
    margin: Margin = None,
    effect: Annotated[
        float | None,
        typer.Option(help="difference in points that needed pairs and seeds shall show"),
    ] = None,
    format: Annotated[str, typer.Option(help="text, markdown, latex, html, csv or json")] = "text",  # noqa: A002 - the option's name
    protocol: Protocol = None,
    results: Results = "results",
) -> None:
    """Print a table: the overview, one axis around the baseline, `paper`, or rows by columns.

    Examples:

      study table quickstart timestep --format markdown

      study table quickstart paper --format latex

      study table quickstart --rows prompt --columns viewpoint --dataset spair
    """
    thresholds = tuple(map(_threshold, _several(alpha)))
    study = open_study(name, results).under(protocol, thresholds, points(margin, "--margin"))
    smallest = points(effect, "--effect")

    from study.tables.layout import Layout
    from study.tables.table import FORMATS

    require_known(format, FORMATS, what="format", where="--format")
    others = [open_study(other, results).under(protocol, thresholds) for other in beside or ()]
    paper = axis == "paper"
    if (paper or axis is None) and (margin is not None or effect is not None):
        raise SD4MatchError("--margin and --effect need an axis, whose values are compared")
    usual = "dataset,alpha" if paper else "dataset"
    if paper or rows is not None:
        if axis is not None and not paper:
            raise SD4MatchError(f"table of {axis}: give an axis or --rows, not both")
        made = study.pivot(
            Layout(
                rows=("prompt",) if rows is None else _several(rows),
                columns=_several(usual if columns is None else columns),
                datasets=_several(dataset),
                splits=_several(split),
                alphas=thresholds,
                where=where,
                best=best,
                published=published or paper,
                mixed=mixed,
                intervals=intervals,
            ),
            *others,
        )
    else:
        if columns or beside or where or best or published or dataset or split or mixed:
            raise SD4MatchError(
                "--columns, --with, --where, --best, --published, --dataset, --split and --mixed"
                " need --rows"
            )
        if thresholds and axis is None:
            raise SD4MatchError("--alpha needs an axis or --rows: one alpha ranks the overview")
        made = study.table(axis, alphas=thresholds or None, effect=smallest)
    typer.echo(FORMATS[format](made), nl=False)


def _several(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _threshold(text: str) -> float:
    try:
        alpha = float(text)
    except ValueError:
        alpha = nan
    if not 0 < alpha < inf:
        raise SD4MatchError(f"--alpha {text}: expected numbers above 0 such as 0.05,0.1")
    return alpha


def plot(
    name: Name,
    kind: Annotated[
        str | None,
        typer.Argument(
            help="axis, heatmap, families, kernel, alphas, categories, importance, pareto, "
            "history, curves, examples or correlation; default: all that apply"
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="axes, a data set or configurations; default: the usual ones"),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="threshold of PCK; the study's usual by default")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="draw published curves along an axis, in grey")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="folder; the study's own figures/ by default")
    ] = None,
    format: Annotated[str, typer.Option(help="some of png, svg, pdf, with commas")] = "png,svg,pdf",  # noqa: A002 - the option's name
    results: Results = "results",
) -> None:
    """Draw figures and list their files.

    Example: study plot quickstart

    Example: study plot quickstart axis timestep --published --format pdf

    Example: study plot quickstart categories best
    """
    study = open_study(name, results)

    from study.figures.kinds import applicable, views
    from study.figures.saving import save

    if published and kind != "axis":
        raise SD4MatchError("--published needs the kind `axis`: published curves are along an axis")
    wanted = views(study, kind, names or ()) if kind else applicable(study)
    folder = out or study.folder.path / "figures"
    drawn = 0
    for view in wanted:
        stem = view.stem + "-published" * published
        stem = stem if alpha is None else f"{stem}@{alpha:g}"
        try:
            figure = view.draw(alpha=alpha, published=published)
        except SD4MatchError as error:
            if len(wanted) == 1:
                raise
            typer.echo(f"not drawn: {stem}: {error}", err=True)
            continue
        files = save(figure, folder, stem, formats=_several(format))
        study.folder.send(files)
        for file in files:
            typer.echo(file)
        drawn += 1
    if not drawn:
        raise SD4MatchError(f"study {study.name}: no figure can be drawn yet")


def report(
    name: Name,
    form: Annotated[str, typer.Option("--format", help="html, or md for a repository")] = "html",
    out: Annotated[
        Path | None, typer.Option(help="the file; report.html in the study's folder by default")
    ] = None,
    margin: Margin = None,
    results: Results = "results",
) -> None:
    """Write one page about a study, finished or running, and print its path.

    Example: study report quickstart
    """
    study = open_study(name, results).under(margin=points(margin, "--margin"))

    from study.report.writing import write

    file = write(study, form=form, out=out)
    study.folder.send([file, *(file.parent / "figures").glob("*.svg")] if form == "md" else [file])
    typer.echo(file)
