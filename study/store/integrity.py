"""Integrity check before a launch: damaged files of a plan are removed, to be computed again."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from sd4match.errors import SD4MatchError
from sd4match.files import seal
from sd4match.files.atomic import remove_abandoned
from sd4match.records.parquet import header
from study.plan.plan import Plan
from study.store.retry import patiently
from study.store.store import Store


def sweep(plan: Plan, store: Store) -> list[Path]:
    """Remove the files of a plan that are not as they were written; they are pending then.

    It reads at about the disk's speed: seals are checksums of whole files
    (`sd4match.files.seal`). Latents and outputs of image encoders are checked by the worker that
    reads them. Temporary files of killed writers are removed too.

    Args:
        plan: what is wanted.
        store: holds the files.

    Returns:
        The files that were damaged and removed; ground truth is written again at once.

    Raises:
        SD4MatchError: a data set whose ground truth was damaged cannot be read.
    """
    for folder in _folders(plan, store):
        remove_abandoned(folder)
    removed = []
    for file in [file for file in _files(plan, store) if not _sound(file)]:
        patiently(store.mirror.again)(file)  # perhaps only this machine's copy is damaged
        if not _sound(file):
            patiently(store.mirror.remove)(file)
            removed.append(file)
    for stage in {stage.data.fingerprint: stage for stage in plan.predicts.values()}.values():
        files = store.truth_files(stage.data.fingerprint)
        if any(file in removed for file in files):
            store.write_truth(stage.data.open())
            store.push(data=[stage.data.fingerprint])
    return removed


def _folders(plan: Plan, store: Store) -> Iterator[Path]:
    """The folders that stages of a plan write to."""
    yield from (store.latents, *store.latents.glob("*/"))
    yield from (*store.contents.glob("*/"), *store.speed.glob("*/"), store.folder / "truth")
    yield from (store.prompt(key).parent for key in plan.tunes)
    for key in store.predicted() & plan.predicts.keys():
        yield from (store.folder / part / key for part in ("predict", "score"))


def _files(plan: Plan, store: Store) -> Iterator[Path]:
    for key in plan.tunes:
        yield from filter(Path.exists, (store.prompt(key), store.checkpoint(key)))
    predicted = store.predicted()
    for key in plan.predicts:
        if key in predicted:
            yield from store.measured(key)
    for fingerprint in dict.fromkeys(stage.data.fingerprint for stage in plan.predicts.values()):
        yield from filter(Path.exists, store.truth_files(fingerprint))


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
