"""``study best | query | compare | export | verify``: answers about a study, and its checks."""

from pathlib import Path
from typing import Annotated

import typer

from sd4match.errors import SD4MatchError
from study.commands.options import (
    Json,
    Margin,
    Name,
    Protocol,
    Results,
    open_study,
    points,
    print_json,
)


def best(
    name: Name,
    metric: Annotated[
        str | None, typer.Option(help="data set/split/pck@alpha[/point]; the study's by default")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="an SQL condition, for example \"prompt = 'text'\"")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="how many of the best to list")] = 1,
    pareto: Annotated[
        str | None, typer.Option(help="trade-offs between objectives: pck, cost, or any metric")
    ] = None,
    protocol: Protocol = None,
    results: Results = "results",
    as_json: Json = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="write a search-space file that starts from the best")
    ] = False,
) -> None:
    """Print the best configuration, chosen on validation, with intervals and how to run it.

    Example: study best quickstart --metric mean/val/pck@0.1 --top 5 --pareto pck,cost
    """
    if as_yaml and (as_json or pareto or top > 1):
        raise SD4MatchError("--yaml writes only the best: leave out --json, --top and --pareto")
    study = open_study(name, results).under(protocol)

    from study.tables.best import best_report, best_space

    if as_yaml:
        typer.echo(best_space(study, metric, where), nl=False)
        return
    objectives = [part.strip() for part in pareto.split(",")] if pareto else []
    facts, text = best_report(study, metric, where, number=top, objectives=objectives)
    if as_json:
        print_json(facts)
    else:
        typer.echo(text)


def query(
    name: Name,
    sql: Annotated[str, typer.Argument(help="DuckDB SQL, one SELECT over the study's views")] = "",
    schema: Annotated[
        bool, typer.Option("--schema", help="list the views and the meaning of their columns")
    ] = False,
    protocol: Protocol = None,
    results: Results = "results",
    as_json: Json = False,
) -> None:
    """Answer an SQL query over what a study measured, read-only.

    The views: configurations, scores, keypoints, trials, stages. Scores are of one data set, split
    and alpha a row: name all three.

    Example: study query quickstart "SELECT prompt, max(pck) FROM scores
    WHERE dataset = 'spair' AND split = 'val' AND alpha = 0.1 GROUP BY prompt"
    """
    if schema:
        from study.analysis.sql import views

        if as_json:
            print_json(views.VIEWS)
        else:
            typer.echo(views.schema())
        return
    answer = open_study(name, results).under(protocol).query(sql)

    from study.analysis.rows import none_for_na
    from study.space.labels import MISSING

    plain = none_for_na(answer)
    if as_json:
        print_json(plain.to_dict("records"))
    else:
        shown = plain.where(answer.notna(), MISSING).to_string(index=False)
        typer.echo(shown if len(answer) else "no rows")


def compare(
    a: Annotated[str, typer.Argument(help="a study, or NAME:CONFIGURATION")],
    b: Annotated[str, typer.Argument(help="another study, or another configuration")],
    alpha: Annotated[float | None, typer.Option(help="threshold; by default the usual one")] = None,
    margin: Margin = None,
    protocol: Protocol = None,
    results: Results = "results",
    as_json: Json = False,
) -> None:
    """Compare two studies on what both measured, or one configuration of each, on the same pairs.

    Example: study compare quickstart sample

    Example: study compare quickstart:b63f4a5c20 quickstart:e02d1c796e
    """
    (one, key), (other, key_of_other) = (_named(text) for text in (a, b))
    if bool(key) != bool(key_of_other):
        raise SD4MatchError("compare two studies, or NAME:CONFIGURATION with NAME:CONFIGURATION")
    alphas = () if alpha is None else (alpha,)
    share = points(margin, "--margin")
    first, second = (
        open_study(name, results).under(protocol, alphas, share) for name in (one, other)
    )
    keys = (key, key_of_other) if key else None
    found = first.compare(second, configurations=keys, alpha=alpha)

    from study.tables.comparison import comparison_facts, comparison_report

    if as_json:
        print_json(comparison_facts(found))
    else:
        typer.echo(comparison_report(first, second, found))


def _named(text: str) -> tuple[str, str]:
    name, _, key = text.rpartition(":")
    return (name, key) if name and "/" not in key else (text, "")  # a URL has a colon, too


def export(
    name: Name,
    out: Annotated[Path, typer.Option(help="the folder to write to")],
    format: Annotated[str, typer.Option(help="csv, parquet or json")] = "parquet",  # noqa: A002
    view: Annotated[
        list[str] | None, typer.Option(help="only these views; all but keypoints by default")
    ] = None,
    protocol: Protocol = None,
    results: Results = "results",
) -> None:
    """Write what a study measured to files: its configurations, scores, trials and stages.

    Example: study export quickstart --format csv --out exported
    """
    study = open_study(name, results).under(protocol)
    for file in study.export(out, form=format, views=view or ()):
        typer.echo(file)


def verify(name: Name, results: Results = "results", as_json: Json = False) -> None:
    """Read every byte behind a study, and compare it with its checksum; nothing is changed.

    Launches check a file's bytes once, and later its size and time.

    Example: study verify quickstart
    """
    study = open_study(name, results)

    from study.store.integrity import verify as verified

    keys = (set(study.index[column].dropna()) for column in ("tune", "predict", "data"))
    count, damaged = verified(study.folder.store, *keys)
    if as_json:
        print_json({"study": study.name, "files": count, "damaged": list(map(str, damaged))})
    else:
        for file in damaged:
            typer.echo(f"damaged: {file}")
        again = f"; `study launch {study.name}` computes them again" if damaged else ""
        typer.echo(f"study {study.name}: {len(damaged):,} of {count:,} files are damaged{again}")
    if damaged:
        raise typer.Exit(2)
