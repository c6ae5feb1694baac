"""Integrity checks: damaged files of a plan are found, and removed before a launch.

A check reads a whole file, and its seal is a checksum of all its bytes (`sd4match.files.seal`). A
launch checks each file once: later ones compare its size and time with those that were noted then,
by a launch or by the score index (`study.store.score_index`). ``study verify`` reads every byte.
"""

import logging
import os
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sd4match.errors import SD4MatchError
from sd4match.files import seal
from sd4match.files.atomic import atomic_path, remove_abandoned
from sd4match.records.parquet import header
from study.plan.plan import Plan
from study.store.retry import patiently
from study.store.score_index import SETTLED, Stamp, noted, now
from study.store.store import Store

log = logging.getLogger(__name__)

NAME = ".checked.parquet"
"""Sizes and times of the files that were sound, in the study's folder; no part of the results."""


def sweep(plan: Plan, store: Store) -> list[Path]:
    """Remove the files of a plan that are not as they were written; they are pending then.

    Files whose size and time were noted before are not read again. Latents and outputs of image
    encoders are checked by the worker that reads them. Temporary files of killed writers are
    removed too.

    Args:
        plan: what is wanted.
        store: holds the files.

    Returns:
        The files that were damaged and removed; ground truth is written again at once.

    Raises:
        SD4MatchError: a data set whose ground truth was damaged cannot be read.
    """
    for folder in _folders(store):
        remove_abandoned(folder)
    data = {stage.data.fingerprint: stage for stage in plan.predicts.values()}
    files = _files(store, plan.tunes, plan.predicts, data)
    removed = []
    for file in _damaged(files, store, _noted(store)):
        patiently(store.mirror.again)(file)  # perhaps only this machine's copy is damaged
        if not _sound(file):
            patiently(store.mirror.remove)(file)
            removed.append(file)
    for fingerprint, stage in data.items():
        if any(file in removed for file in store.truth_files(fingerprint)):
            store.write_truth(stage.data.open())
            store.push(data=[fingerprint])
    return removed


def verify(
    store: Store, tunes: Collection[str], predicts: Collection[str], data: Collection[str]
) -> tuple[int, list[Path]]:
    """Read every byte of the files behind a study, and compare it with their checksums.

    Nothing is removed. If a file is damaged, what was noted of all files is forgotten, so the next
    launch of the study reads them again, and computes again what is damaged.

    Args:
        store: holds the files, and knows the study's folder.
        tunes, predicts: keys of the study's stages.
        data: fingerprints of its splits.

    Returns:
        How many files there are, and those that are damaged.
    """
    files = list(_files(store, tunes, predicts, data))
    damaged = _damaged(files, store, {})
    if damaged and store.study:
        for file in (*store.study.glob(".scores-*.parquet"), store.study / NAME):
            file.unlink(missing_ok=True)
    return len(files), damaged


def _damaged(
    files: Iterable[tuple[Path, Stamp]], store: Store, known: dict[str, Stamp]
) -> list[Path]:
    """The files that are not sound; notes the others, if any of them was read."""
    moment = now(store.study) if store.study else None
    start = len(f"{store.folder}{os.sep}")
    sound: dict[str, Stamp] = {}
    damaged, read = [], False
    for file, stamp in files:
        name = str(file)[start:]
        if known.get(name) != stamp:
            read = True
            if not _sound(file):
                damaged.append(file)
                continue
        sound[name] = stamp
    if read and moment is not None and store.study:
        settled = {n: s for n, s in sound.items() if s[1] < moment - SETTLED or known.get(n) == s}
        _note(store.study, settled)
    return damaged


def _noted(store: Store) -> dict[str, Stamp]:
    """Sizes and times of sound files, by name below the store."""
    if store.study is None:
        return {}
    found = noted(store.study)
    try:
        with (store.study / NAME).open("rb") as opened:
            table = pq.ParquetFile(opened, page_checksum_verification=True).read()
        names, sizes, times = (table[name].to_pylist() for name in ("file", "size", "time"))
        found.update(zip(names, zip(sizes, times, strict=True), strict=True))
    except (OSError, pa.ArrowException, KeyError) as error:  # missing, or damaged
        log.debug("checked files: %s", error)
    return found


def _note(folder: Path, sound: dict[str, Stamp]) -> None:
    table = pa.table(
        {
            "file": pa.array(list(sound), pa.string()),
            "size": pa.array([size for size, _ in sound.values()], pa.int64()),
            "time": pa.array([time for _, time in sound.values()], pa.int64()),
        }
    )
    try:
        with atomic_path(folder / NAME) as temporary:
            pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
    except SD4MatchError as error:  # read-only, or full: they are read again
        log.debug("checked files: %s", error)


def _folders(store: Store) -> Iterator[Path]:
    """The folders that all stages of a kind write to."""
    yield from (store.latents, *store.latents.glob("*/"))
    yield from (*store.contents.glob("*/"), *store.speed.glob("*/"), store.folder / "truth")


def _files(
    store: Store, tunes: Iterable[str], predicts: Iterable[str], data: Iterable[str]
) -> Iterator[tuple[Path, Stamp]]:
    """The files of some stages, with their sizes and times; temporary ones are removed if old."""
    for key in tunes:
        wanted = (store.prompt(key), store.checkpoint(key))
        found = _listed(wanted[0].parent)
        yield from ((file, found[file.name]) for file in wanted if file.name in found)
    predicted = store.predicted()
    for key in predicts:
        if key in predicted:
            for folder in (store.folder / part / key for part in ("predict", "score")):
                for name, stamp in sorted(_listed(folder).items()):
                    if name.endswith(".parquet") and name[0] in "0123456789abcdef":
                        yield folder / name, stamp
    truth = _listed(store.folder / "truth")
    for fingerprint in data:
        of_split = store.truth_files(fingerprint)
        yield from ((file, truth[file.name]) for file in of_split if file.name in truth)


def _listed(folder: Path) -> dict[str, Stamp]:
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except FileNotFoundError:  # removed since
                    continue
                found[entry.name] = (status.st_size, status.st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    if any(name.startswith(".") for name in found):
        remove_abandoned(folder)
    return found


@patiently
def _sound(file: Path) -> bool:
    try:
        if file.suffix != ".pt":
            return seal.intact(file) and (file.suffix != ".parquet" or _in_its_place(file))
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError):
        return False
    except FileNotFoundError:  # another launch removed it, a checkpoint for example
        return True


def _in_its_place(file: Path) -> bool:
    try:
        header(file)
    except SD4MatchError:
        return False
    return True
