"""``study stop | list | rm | gc``: end a launch, list studies, remove what is not needed."""

from typing import Annotated

import typer

from study.commands.options import Json, Name, Results, open_study, print_json


def stop(name: Name, results: Results = "results") -> None:
    """Ask the launch of a study to end in good order, and wait until it has.

    From any machine that sees the results. What is done is kept.

    Example: study stop quickstart
    """
    folder = open_study(name, results).folder

    from study.store.requests import request_stop

    typer.echo(request_stop(folder.path))


def list_studies(results: Results = "results", as_json: Json = False) -> None:
    """List all studies: state, progress, age and size.

    Example: study list
    """
    from study.store.mirror import local
    from study.tables.study_list import studies_report

    facts, text = studies_report(local(results))
    if as_json:
        print_json(facts)
    else:
        typer.echo(text)


def rm(
    name: Name,
    results: Results = "results",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Remove a study: its plan, tables, figures and logs; the shared store keeps measurements.

    `study gc` then shows what no other study needs.

    Example: study rm quickstart
    """
    folder = open_study(name, results).folder

    from study.store import studies
    from study.tables.study_list import size

    studies.require_idle(folder.path)
    held = studies.sizes(folder.path)
    if not yes:
        what = f"{folder.place}: {len(held):,} files, {size(sum(held.values()))}"
        typer.confirm(f"remove {what}?", abort=True)
    studies.remove(folder.path)
    typer.echo(f"removed {folder.place}; `study gc` shows what the store holds for no other study")


def gc(
    results: Results = "results",
    delete: Annotated[
        bool, typer.Option("--delete", help="remove it; without this it is only listed")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what the store holds and no study needs, with sizes; with --delete, remove it.

    Never while a launch of one of the studies runs.

    Example: study gc
    """
    from study.store.mirror import local

    place = local(results)

    from study.store import garbage
    from study.tables.garbage_report import garbage_report

    found = garbage.collect(place) if delete else garbage.unneeded(place)
    facts, text = garbage_report(found, removed=delete)
    if as_json:
        print_json(facts)
    else:
        typer.echo(text)
