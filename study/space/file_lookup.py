"""Where search-space files are: the user's folder, and the shipped ones."""

from pathlib import Path

from sd4match.errors import SD4MatchError, require_known

BUNDLED = Path(__file__).parents[1] / "search_spaces"  # in a wheel
CHECKOUT = Path(__file__).parents[2] / "search_spaces"  # beside an editable install


def find_file(space: str) -> Path:
    """The file of a search space.

    Args:
        space: a name in ``./search_spaces`` or among the shipped ones, or a path to a YAML file.

    Raises:
        SD4MatchError: there is none; names the nearest.
    """
    if "/" in space or space.endswith((".yaml", ".yml")):
        path = Path(space).expanduser().resolve()
        if path.suffix != ".yaml" or not path.is_file():
            raise SD4MatchError(f"search space {path}: no such .yaml file: give one, or a name")
        return path
    folders = [Path.cwd() / "search_spaces", BUNDLED, CHECKOUT]
    for folder in folders:
        if (folder / f"{space}.yaml").is_file():
            return (folder / f"{space}.yaml").resolve()
    files = (file for folder in folders for file in folder.glob("[!.]*.yaml") if file.is_file())
    names = sorted({file.stem for file in files})
    require_known(space, names, what="search space")
    raise AssertionError  # a known name was found above
