"""``study best | query``: questions about what was measured."""

from pathlib import Path
from typing import Annotated

import typer

from study.commands.options import Json, Name, Results, console, open_study, print_json


def best(
    name: Name,
    metric: Annotated[
        str | None, typer.Option(help="data set/split/pck@alpha[/point]; the study's by default")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="an SQL condition, for example \"prompt = 'text'\"")
    ] = None,
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Print the best configuration, chosen on validation.

    Example: study best quickstart --metric mean/val/pck@0.1
    """
    from study.asking import best_report

    facts, text = best_report(open_study(name, results), metric, where)
    if as_json:
        print_json(facts)
    else:
        console.print(text, markup=False)


def query(
    name: Name,
    sql: Annotated[str, typer.Argument(help="DuckDB SQL over configurations and scores")],
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Answer an SQL query over the views ``configurations`` and ``scores``.

    Example: study query quickstart "SELECT prompt, max(pck) FROM scores GROUP BY prompt"
    """
    answer = open_study(name, results).query(sql)
    if as_json:
        print_json(answer.astype(object).where(answer.notna(), None).to_dict("records"))
    else:
        typer.echo(answer.to_string(index=False))
