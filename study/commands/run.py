"""``study plan | launch | status``: what would run, run it, how far it is."""

from typing import Annotated

import typer
from rich.console import Console

from study.commands.options import (
    Json,
    Name,
    Overrides,
    Results,
    SpaceName,
    console,
    load,
    open_study,
    print_json,
)

WIDEST = 1_000
"""Columns of a line in a file: more than any has."""


def plan(
    space: SpaceName,
    overrides: Overrides = None,
    time: Annotated[
        bool, typer.Option("--time", help="time one pass here first; it is kept in the store")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what would run: configurations, trials after sharing, passes, time, memory, disk.

    Example: study plan quickstart data.pairs=20 --time
    """
    from study.launch.plan_report import plan_of, plan_report, sharing_tree

    loaded, planner = load(space, overrides, fetch=time)
    planned = plan_of(loaded, planner)
    if time:
        from study.engine.timing import time_passes
        from study.store.study_folder import StudyFolder

        time_passes(planned, StudyFolder.store_of(loaded))
    estimate, text = plan_report(loaded, planned)
    if as_json:
        print_json({"study": loaded.name, "fidelity": loaded.fidelity, **estimate.to_json()})
    else:
        console.print(text, markup=False)
        # Rich cuts a tree at the width of a console, and what is no terminal counts as 80 wide.
        wide = console if console.is_terminal else Console(width=WIDEST, highlight=False)
        wide.print(sharing_tree(planned), soft_wrap=False)


def launch(space: SpaceName, overrides: Overrides = None, as_json: Json = False) -> None:
    """Run a study, or continue it; ends with tables and figures in its results folder.

    Example: study launch quickstart
    """
    from study.launch.launch import launch_report

    loaded, planner = load(space, overrides, fetch=True)
    shown = console if not as_json else None
    summary, failures = launch_report(loaded, planner, shown, overrides=overrides or ())
    if as_json:
        print_json(summary)
    if failures:
        raise typer.Exit(2)


def status(name: Name, results: Results = "results", as_json: Json = False) -> None:
    """Say whether a study runs, how far it is, and what failed.

    Example: study status quickstart
    """
    from study.tables.status import status_report

    facts, text = status_report(open_study(name, results).folder)
    if as_json:
        print_json(facts)
    else:
        console.print(text, markup=False)
