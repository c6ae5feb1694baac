"""``study plan | launch | status``: show what would run, run it, show its progress."""

from typing import Annotated

import typer

from study.commands.options import (
    Json,
    Name,
    Overrides,
    Results,
    SpaceName,
    load,
    open_study,
    print_json,
)


def plan(
    space: SpaceName,
    overrides: Overrides = None,
    time: Annotated[
        bool, typer.Option("--time", help="time one pass on this machine first; later plans use it")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what would run: configurations, trials after sharing, passes, time, memory, disk.

    Example: study plan quickstart data.pairs=20 --time
    """
    loaded = load(space, overrides)

    from study.launch.plan_report import preview, print_tree

    planned, estimate, text = preview(loaded, timed=time)
    if as_json:
        print_json({"study": loaded.name, "fidelity": loaded.fidelity, **estimate.to_json()})
    else:
        typer.echo(text)
        print_tree(planned)


def launch(
    space: SpaceName,
    overrides: Overrides = None,
    max_hours: Annotated[
        float | None, typer.Option(help="begin nothing that takes longer, and stop after so long")
    ] = None,
    max_tflop: Annotated[
        float | None, typer.Option(help="begin no work beyond so many operations, 10^12")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a study, or continue it; ends with tables and figures in its results folder.

    Ctrl-C, SIGTERM and `study stop` end it in good order; the same command continues it.

    Example: study launch quickstart --max-hours 8
    """
    limits = {"budget.hours": max_hours, "budget.tflop": max_tflop}
    limited = [f"{name}={limit!r}" for name, limit in limits.items() if limit is not None]
    overrides = [*(overrides or ()), *limited]
    loaded = load(space, overrides)

    from study.launch.launch import launch_report
    from study.launch.terminal import screen

    summary, status = launch_report(loaded, None if as_json else screen(), overrides=overrides)
    if as_json:
        print_json(summary)
    raise typer.Exit(status)


def status(name: Name, results: Results = "results", as_json: Json = False) -> None:
    """Show whether a study runs, how far it is, and what failed.

    Example: study status quickstart
    """
    folder = open_study(name, results).folder

    from study.tables.status import status_report

    facts, text = status_report(folder)
    if as_json:
        print_json(facts)
    else:
        typer.echo(text)
