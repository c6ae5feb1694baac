"""The tables and figures written at the end of a launch, if their content changed.

``answers.json`` in the study's folder holds the hash of all that they are made from, and of each
file. A launch that finds the same hashes leaves the files alone; a file that was removed or changed
is written again, with all others.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from study.analysis.results import Results
from study.space.axes import AXES
from study.tables.status import ANSWERS
from study.tables.tables import study_table

MADE_FROM = ("study.json", "study.yaml", "cells.parquet", "failures.json", "search.json")
"""Files of the study's folder that the answers depend on. Keys of stages, in ``cells.parquet``,
stand for the stages' results; what is not computed is pending, or in ``failures.json``."""
LIBRARIES = ("numpy", "scipy", "pandas", "tabulate", "matplotlib", "seaborn")
PACKAGES = tuple(Path(__file__).resolve().parents[2] / name for name in ("study", "sd4match"))
FORMATS = ("png", "svg")
"""For screens and web pages; a PDF takes as long as both, and `study plot` draws it."""


@dataclass(frozen=True)
class Answers:
    """The tables and figures of a study.

    Attributes:
        files: ``tables/<axis>.md`` and ``.csv``, ``figures/<kind>-<names>.png``, ….
        written: whether they were written just now, or unchanged.
    """

    files: tuple[Path, ...]
    written: bool


def update_answers(study: Results) -> Answers:
    """Write all tables, and all figures that need neither images nor a model, unless unchanged.

    Files of an earlier launch that this one has no answer for are removed.

    Args:
        study: the study; its folder gets them.

    Returns:
        The files, and whether they were written.
    """
    folder = study.folder.path
    inputs = _inputs(study)
    if files := _unchanged(folder, inputs):
        return Answers(tuple(files), written=False)
    written = [*_write_tables(study), *_write_figures(study)]
    record = {
        "inputs": inputs,
        "files": {file.relative_to(folder).as_posix(): _digest([file]) for file in written},
    }
    with atomic_path(folder / ANSWERS) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return Answers(tuple(written), written=True)


def _unchanged(folder: Path, inputs: dict[str, str]) -> dict[Path, str]:
    """The files that an earlier launch made of these inputs; empty if one of them changed."""
    try:
        known = json.loads((folder / ANSWERS).read_text(encoding="utf-8"))
        files = {folder / name: str(digest) for name, digest in known["files"].items()}
        same = known["inputs"] == inputs and all(_digest([f]) == d for f, d in files.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # there is no record, or it or a file is damaged
    return files if same else {}


def _inputs(study: Results) -> dict[str, str]:
    """Hashes and versions of all that tables and figures depend on."""
    code = sorted(file for package in PACKAGES for file in package.rglob("*.py"))
    made_from = (study.folder.path / name for name in MADE_FROM)
    return {
        "study": _digest(file for file in made_from if file.exists()),
        "trials": _trials(study),
        "revision": study.revision,  # the notes below tables name it
        "code": _digest(code),
        **{library: version(library) for library in LIBRARIES},
    }


def _trials(study: Results) -> str:
    """The SHA-256 of the trials of a study's search; empty for other designs."""
    if study.folder.facts.get("design") != "search":
        return ""
    from study.search.trials import read  # imported here: other designs do without Optuna

    try:
        trials, _ = read(study)
    except SD4MatchError:
        return ""  # no figure is drawn of a record that cannot be read
    return hashlib.sha256(trials.to_csv().encode()).hexdigest()


def _digest(files: Iterable[Path]) -> str:
    """The SHA-256 of the names and the bytes of some files."""
    found = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        found.update(f"{file.name} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _write_tables(study: Results) -> list[Path]:
    folder = study.folder.path / "tables"
    for old in set(AXES) - set(study.axes):  # an earlier launch may have varied other axes
        for file in folder.glob(f"{old}.*"):
            study.folder.mirror.remove(file)
    written = []
    for axis in (None, *study.axes):
        # Readers get one alpha, programs all of them.
        numbers = study_table(study, axis, alphas=study.rule.alphas).csv()
        for suffix, text in ((".md", study_table(study, axis).markdown()), (".csv", numbers)):
            file = folder / f"{axis or 'overview'}{suffix}"
            with atomic_path(file) as temporary:
                temporary.write_text(text, encoding="utf-8")
            written.append(file)
    return written


def _write_figures(study: Results) -> list[Path]:
    # Imported late: Matplotlib takes seconds, which a launch that changes nothing does without.
    from study.figures.kinds import KINDS, applicable
    from study.figures.saving import save

    folder = study.folder.path / "figures"
    written: list[Path] = []
    for view in applicable(study):
        if view.kind.reads == "scores":
            try:
                figure = view.draw()
            except SD4MatchError:
                continue  # nothing of it was measured; the tables say why
            written += save(figure, folder, view.stem, formats=FORMATS)
    for old in set(folder.glob("*.*")) - set(written):
        kind = KINDS.get(old.stem.split("-")[0])
        if kind and kind.reads == "scores" and "@" not in old.stem:
            study.folder.mirror.remove(old)
    return written
