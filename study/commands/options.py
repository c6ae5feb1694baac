"""Arguments that several ``study`` commands share; open studies and print answers.

A command imports large packages only after it has found what its arguments name.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sd4match.files.strict_json import dumps

if TYPE_CHECKING:  # imported when a command needs them, so that `--help` answers at once
    from study.space.space import Space
    from study.study import Study

SpaceName = Annotated[str, typer.Argument(help="a search space by name, or a path to a YAML file")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Hydra overrides, for example data.pairs=20")
]
Name = Annotated[str, typer.Argument(help="a study's name, or its folder")]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
Protocol = Annotated[
    str | None,
    typer.Option(help="another protocol: sd4match, dift or geoaware; the study's by default"),
]
Margin = Annotated[
    float | None,
    typer.Option(help="smallest difference that matters, in points; the study's by default"),
]
Results = Annotated[str, typer.Option(help="the folder of all studies, or its URL")]


def load(space: str, overrides: list[str] | None) -> "Space":
    """A search space for running: checked, its callbacks too.

    Args:
        space: a name, or a path to a YAML file.
        overrides: Hydra overrides.

    Raises:
        SD4MatchError: there is no such space, or a setting is wrong.
    """
    from study.space.file_lookup import find_file

    find_file(space)  # an unknown name is refused before Hydra is imported
    from study.space.reading import load

    loaded = load(space, overrides or [])
    if loaded.file.callbacks:
        from study.engine.callbacks import check  # needs Ray, which other spaces do without

        check(loaded.file.callbacks)
    return loaded


def open_study(name: str, results: str) -> "Study":
    """A study by its name below ``results``, or by its folder or URL.

    Raises:
        SD4MatchError: there is no such study.
    """
    from study.store.study_lookup import existing

    path = existing(name if "/" in name else f"{results}/{name}")

    from study.store.study_folder import StudyFolder
    from study.study import Study

    return Study(StudyFolder(path))


def points(number: float | None, option: str) -> float | None:
    """An option in percentage points as a share; None stays None.

    Raises:
        SD4MatchError: not above 0, or not below 100.
    """
    if number is None:
        return None
    from study.space.metric import difference_of  # loads NumPy

    return difference_of(number, where=option)


def print_json(content: Any) -> None:
    """Answer a program."""
    typer.echo(dumps(content))
