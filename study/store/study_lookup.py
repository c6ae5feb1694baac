"""Lookup of a study's folder; errors list the studies that exist."""

from pathlib import Path

from sd4match.errors import SD4MatchError
from study.store.lock import launching_here
from study.store.mirror import Mirror, local


def existing(place: str | Path) -> Path:
    """The folder of a study; brings what questions need of it where results are behind a URL.

    Args:
        place: a folder or a URL.

    Raises:
        SD4MatchError: there is no study; lists those beside it.
    """
    try:
        path = local(place)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, NUL, ~nobody
        raise SD4MatchError(f"study {place}: is not a valid folder or URL ({error})") from None
    mirror = Mirror(path)
    # A launch on this machine has the originals.
    if mirror.url and not launching_here(path):
        mirror.pull(path, _needed, below=False, exact=True)
    if not (path / "study.json").is_file():
        beside = Mirror(path.parent)
        others = sorted(
            set(beside.folders()) - {"store"}
            if beside.url
            else (file.parent.name for file in beside.folder.glob("*/study.json"))
        )
        hint = f"there are: {', '.join(others)}" if others else "launch one first"
        raise SD4MatchError(f"no study in {mirror.url or path}: {hint}")
    _require_inside(path)
    return path


def _require_inside(path: Path) -> None:
    """Refuse a study's folder that leads elsewhere: it may come from someone else.

    A report shows files of the folder, and figures are written into it. Nothing reads or writes
    the links that Optuna's own lock of a journal leaves behind.
    """
    for file in path.iterdir():
        if file.is_symlink() and file.suffix != ".lock":
            target = file.resolve(strict=False) if not _loops(file) else file
            if not target.is_relative_to(path.parent):
                raise SD4MatchError(
                    f"{file} is a link out of the folder of results, to {target}: remove it"
                )


def _loops(link: Path) -> bool:
    try:
        link.resolve()
    except (OSError, RuntimeError):  # a loop of links, which reading reports
        return True
    return False


def _needed(name: str) -> bool:
    """What questions are answered from; reports and diffs are for people."""
    return not name.endswith((".html", ".diff"))
