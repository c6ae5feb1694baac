"""What the commands of ``study`` have in common: their arguments, and what they open."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from study.plan.plan import Planner
    from study.space.space import Space
    from study.study import Study

console = Console(highlight=False, soft_wrap=True)

SpaceName = Annotated[str, typer.Argument(help="a search space by name, or a path to a YAML file")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Hydra overrides, for example data.pairs=20")
]
Name = Annotated[str, typer.Argument(help="a study's name, or its folder")]
Json = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
Protocol = Annotated[
    str | None, typer.Option(help="score anew: sd4match, dift or geoaware; the study's by default")
]
Results = Annotated[str, typer.Option(help="the folder of all studies, or its URL")]


def load(
    space: str, overrides: list[str] | None, *, fetch: bool = False
) -> "tuple[Space, Planner]":
    """A checked search space and the planner of its configurations."""
    from study.space.files import find_file

    find_file(space)  # an unknown name is refused before anything slow is imported
    from study.plan.plan import Planner
    from study.space.reading import load

    loaded = load(space, overrides or [])
    return loaded, Planner(loaded, fetch=fetch)


def open_study(name: str, results: str) -> "Study":
    """A study by its name below ``results``, or by its folder or URL."""
    from study.study import open_study

    return open_study(name if "/" in name else f"{results}/{name}")


def print_json(content: Any) -> None:
    """Answer a program."""
    typer.echo(json.dumps(content, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's, the rest as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
