"""``study report``: one page that tells a study."""

from pathlib import Path
from typing import Annotated

import typer

from study.commands.options import Name, Results, open_study


def report(
    name: Name,
    form: Annotated[str, typer.Option("--format", help="html, or md for a repository")] = "html",
    out: Annotated[
        Path | None, typer.Option(help="the file; report.html in the study's folder by default")
    ] = None,
    results: Results = "results",
) -> None:
    """Write one page that tells a study, finished or running, and print its path.

    Example: study report quickstart
    """
    from study.report.writing import write

    study = open_study(name, results)
    file = write(study, form=form, out=out)
    study.folder.send([file, *(file.parent / "figures").glob("*.svg")] if form == "md" else [file])
    typer.echo(file)
