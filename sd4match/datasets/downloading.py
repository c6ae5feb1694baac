"""``sd4match data download``: fetch a benchmark from its authors' sites and install it."""

import logging
import os
import shutil
import string
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sd4match.datasets.archives import extract
from sd4match.datasets.benchmark import MANIFEST
from sd4match.datasets.benchmarks import FOLDERS
from sd4match.datasets.csv_lists import read_table
from sd4match.datasets.resumable_download import Fetcher, Progress, advice
from sd4match.datasets.sources import SOURCES, Remote, Source
from sd4match.errors import SD4MatchError, require_known

log = logging.getLogger(__name__)


def download(
    name: str,
    root: str | os.PathLike[str],
    *,
    mirror: str | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
) -> bool:
    """Fetch the missing files of a benchmark. It appears in ``root`` once it is complete.

    Args:
        name: one of ``datasets.NAMES``.
        root: the data root; created if missing.
        mirror: URL of a folder that holds the files under their own names.
        sha256: the expected SHA-256 of the archive, instead of the known one.
        progress: called with a file's name, its bytes so far, and its bytes in all or None.

    Returns:
        Whether anything was missing.

    Raises:
        SD4MatchError: a file cannot be fetched, has another hash or is no archive; ``root`` cannot
            be written, or holds something else.
    """
    require_known(name, SOURCES, what="data set")
    if sha256 is not None and (len(sha256) != 64 or set(sha256) - set(string.hexdigits)):
        raise SD4MatchError(f"sha256 {sha256!r}: expected 64 hexadecimal digits")
    source, root = SOURCES[name], Path(root)
    folder = root / FOLDERS[name]
    place = folder / source.place
    if (root / MANIFEST).exists():
        raise SD4MatchError(f"{root} holds the generated shapes benchmark: name another folder")
    lists = {file: remote for file, remote in source.lists.items() if not (folder / file).exists()}
    missing = [entry for entry in source.inside if not (place / entry).exists()]
    if not missing and not lists:
        return False
    if missing and place.is_dir() and any(place.iterdir()):
        raise SD4MatchError(
            f"{place} exists, but lacks {', '.join(missing)}: move it away and download again"
        )
    record = root / f"{folder.name}.download.json"
    fetcher = Fetcher(name, record, mirror=mirror, progress=progress)
    files = {file: _fetch_list(fetcher, remote, source) for file, remote in lists.items()}
    archive = fetcher.fetch(source.archive, sha256=sha256) if missing else None
    try:
        beside = folder.resolve().parent  # it may be a link to another disk
        beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=beside, prefix=f".{folder.name}-") as temporary:
            _install(source, folder, files, archive, Path(temporary))
    except SD4MatchError as error:
        if archive is None:
            raise
        fetcher.discard(source.archive)  # otherwise the next run finds it in the cache
        raise SD4MatchError(f"{error}; it was removed: {advice(archive)}") from error
    except OSError as error:
        raise SD4MatchError(
            f"{root} cannot be written ({error.strerror or error}): make room, or name another "
            "folder"
        ) from error
    fetcher.write_record()
    return True


def _fetch_list(fetcher: Fetcher, remote: Remote, source: Source) -> Path | None:
    """Fetch a list of pairs; None if it cannot be fetched but can be rebuilt."""
    try:
        path = fetcher.fetch(remote)
        try:
            read_table(path, source.columns)
        except SD4MatchError:
            fetcher.discard(remote)  # a site that has moved may answer with some page
            raise
    except SD4MatchError as error:
        if source.rebuild is None:
            raise
        log.info("%s", error)
        return None
    return path


def _install(
    source: Source,
    folder: Path,
    lists: Mapping[str, Path | None],
    archive: Path | None,
    temporary: Path,
) -> None:
    """Assemble a data set in a temporary folder, then move it to its place."""
    stage = temporary / "stage"
    stage.mkdir()
    images = folder / source.place
    if archive:
        images = stage / source.place
        _unpack(archive, temporary / "archive", source.inside).rename(images)
    for name, file in lists.items():
        if file:
            shutil.copyfile(file, stage / name)
        elif source.rebuild:
            source.rebuild(images, stage / name)
            log.warning(
                "%s could not be fetched and was made from the annotations: the same pairs, "
                "possibly in another order",
                folder / name,
            )
    if folder.exists():
        # The lists last: with them, a data set looks complete.
        for entry in sorted(stage.iterdir(), key=lambda path: path.name in lists):
            entry.rename(folder / entry.name)
    else:
        stage.rename(folder)


def _unpack(archive: Path, folder: Path, inside: tuple[str, ...]) -> Path:
    """Unpack, and find the folder inside that holds all of ``inside``."""
    extract(archive, folder)
    for above in ("", "*/", "*/*/"):
        for entry in sorted(folder.glob(f"{above}{inside[0]}")):
            if all((entry.parent / name).is_dir() for name in inside):
                return entry.parent
    raise SD4MatchError(f"{archive}: expected a folder with {', '.join(inside)} inside")
