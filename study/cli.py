"""The ``study`` command: plan, launch, and ask."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from sd4match.errors import SD4MatchError
from sd4match.terminal import run

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ablation studies of prompted Stable Diffusion features. --debug shows tracebacks.",
)
console = Console(highlight=False, soft_wrap=True)

Space = Annotated[str, typer.Argument(help="a search space by name, or a path to a YAML file")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Hydra overrides, for example data.pairs=20")
]
Name = Annotated[str, typer.Argument(help="a study's name, or its folder")]
Json = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
Results = Annotated[Path, typer.Option(help="the folder of all studies")]


@app.command()
def plan(
    space: Space,
    overrides: Overrides = None,
    time: Annotated[
        bool, typer.Option("--time", help="time one pass here first; it is kept in the store")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what would run: configurations, trials after sharing, passes, time, memory, disk.

    Example: study plan quickstart data.pairs=20 --time
    """
    from study.plan_report import plan_of, plan_report
    from study.sharing_tree import sharing_tree

    loaded, planner = _load(space, overrides, fetch=time)
    planned = plan_of(loaded, planner)
    if time:
        from study.folder import StudyFolder
        from study.timed_pass import time_passes

        time_passes(planned, StudyFolder.store_of(loaded))
    estimate, text = plan_report(loaded, planned)
    if as_json:
        _print_json({"study": loaded.name, "fidelity": loaded.fidelity, **estimate.to_json()})
    else:
        console.print(text, markup=False)
        console.print(sharing_tree(planned))


@app.command()
def launch(space: Space, overrides: Overrides = None, as_json: Json = False) -> None:
    """Run a study, or continue it; ends with tables and figures in its results folder.

    Example: study launch quickstart
    """
    from study.running import launch_report

    loaded, planner = _load(space, overrides, fetch=True)
    summary, failures = launch_report(loaded, planner, console if not as_json else None)
    if as_json:
        _print_json(summary)
    if failures:
        raise typer.Exit(2)


@app.command()
def status(name: Name, results: Results = Path("results"), as_json: Json = False) -> None:
    """Say how far a study is, and what failed.

    Example: study status quickstart
    """
    from study.asking import status_report

    facts, text = status_report(_open(name, results))
    if as_json:
        _print_json(facts)
    else:
        console.print(text, markup=False)


@app.command()
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

    facts, text = best_report(_open(name, results), metric, where)
    if as_json:
        _print_json(facts)
    else:
        console.print(text, markup=False)


@app.command()
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
    made = _open(name, results).table(axis)
    formats = {
        "text": made.text,
        "markdown": made.markdown,
        "csv": made.csv,
        "latex": made.latex,
    }
    if format not in formats:
        raise SD4MatchError(f"--format {format}: expected one of {', '.join(formats)}")
    typer.echo(formats[format]())


@app.command()
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

    study = _open(name, results)
    folder = out or study.folder.path / "figures"
    stem = axis if alpha is None else f"{axis}@{alpha:g}"
    for file in figures.save(study.plot(axis, alpha=alpha), folder, stem):
        typer.echo(file)


@app.command()
def query(
    name: Name,
    sql: Annotated[str, typer.Argument(help="DuckDB SQL over configurations and scores")],
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Answer an SQL query over the views ``configurations`` and ``scores``.

    Example: study query quickstart "SELECT prompt, max(pck) FROM scores GROUP BY prompt"
    """
    answer = _open(name, results).query(sql)
    if as_json:
        _print_json(answer.astype(object).where(answer.notna(), None).to_dict("records"))
    else:
        typer.echo(answer.to_string(index=False))


def _load(space: str, overrides: list[str] | None, *, fetch: bool = False) -> tuple[Any, Any]:
    # Imported late: planning needs torch, which takes seconds that `--help` should not.
    from study.plan import Planner
    from study.space import load

    loaded = load(space, overrides or [])
    return loaded, Planner(loaded, fetch=fetch)


def _open(name: str, results: Path) -> Any:
    from study.study import open_study

    return open_study(name if "/" in name else results / name)


def _print_json(content: Any) -> None:
    typer.echo(json.dumps(content, indent=2, default=str))


def main() -> None:
    """Entry point of the ``study`` command."""
    run(app)
