"""All studies of a results folder: their names, their files, and the removal of one."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from sd4match.errors import SD4MatchError
from study.store import heartbeat
from study.store.lock import alone, launching_here
from study.store.mirror import Mirror

STORE = "store"


def names(results: Path) -> list[str]:
    """The names of the studies of a results folder, sorted.

    Args:
        results: as `study.store.mirror.local` gives it.

    Raises:
        SD4MatchError: it is behind a URL that cannot be reached.
    """
    mirror = Mirror(results)
    if mirror.url:
        return sorted(set(mirror.folders()) - {STORE})
    return sorted(file.parent.name for file in results.glob("[!.]*/study.json"))


def sizes(folder: Path) -> Mapping[str, int]:
    """The files below a folder, hidden ones included: name relative to it -> bytes.

    Args:
        folder: as `study.store.mirror.local` gives it; behind a URL, the objects there are listed.

    Raises:
        SD4MatchError: it is behind a URL that cannot be reached.
    """
    mirror = Mirror(folder)
    if mirror.url:
        return mirror.sizes()
    found = {}
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            found[file.relative_to(folder).as_posix()] = file.stat().st_size
    return found


def require_idle(folder: Path) -> None:
    """Refuse while a launch of a study runs, here or elsewhere.

    Args:
        folder: the study's.

    Raises:
        SD4MatchError: one runs.
    """
    beat = heartbeat.read(folder)
    if launching_here(folder) or (beat and beat["alive"]):
        where = f" as process {beat['pid']} on {beat['host']}" if beat else ""
        raise SD4MatchError(
            f"study {folder.name} is being launched{where}: wait for it, or `study stop` it"
        )


def remove(folder: Path) -> None:
    """Remove a study's folder. Its measurements stay in the store, for other studies.

    Args:
        folder: the study's.

    Raises:
        SD4MatchError: a launch of it runs, or the folder cannot be removed.
    """
    require_idle(folder)
    mirror = Mirror(folder)
    with alone(folder):
        if mirror.url:
            # The file that makes it a study goes first.
            for name in sorted(mirror.sizes(), key=lambda name: name != "study.json"):
                mirror.remove(folder / name)
        # By another name first: a removal that is interrupted leaves no half of a study.
        gone = folder.with_name(f".removed-{folder.name}-{secrets.token_hex(4)}")
        try:
            folder.rename(gone)
            shutil.rmtree(gone)
        except OSError as error:
            raise SD4MatchError(f"{folder} cannot be removed: {error.strerror}") from None
