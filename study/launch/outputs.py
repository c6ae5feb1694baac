"""The files that a launch ends with: tables and figures in the study's folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from study import figures
from study.space.axes import AXES

if TYPE_CHECKING:
    from study.study import Study

FORMATS = ("png", "svg")
"""For eyes and pages; a PDF takes as long as both, and is asked for."""


def write_answers(study: "Study") -> list[Path]:
    """Write all tables, and all figures that need neither images nor a model.

    What an earlier launch wrote and this one has no answer for is removed.

    Returns:
        The files: ``tables/<axis>.md`` and ``.csv``, ``figures/<kind>-<names>.png``, ….
    """
    return _write_tables(study) + _write_figures(study)


def _write_tables(study: "Study") -> list[Path]:
    folder = study.folder.path / "tables"
    for old in set(AXES) - set(study.axes):  # an earlier launch may have varied other axes
        for file in folder.glob(f"{old}.*"):
            study.folder.mirror.remove(file)
    written = []
    for axis in (None, *study.axes):
        # Readers get one alpha, programs all of them.
        numbers = study.table(axis, alphas=study.rule.alphas).csv()
        for suffix, text in ((".md", study.table(axis).markdown()), (".csv", numbers)):
            file = folder / f"{axis or 'overview'}{suffix}"
            with atomic_path(file) as temporary:
                temporary.write_text(text, encoding="utf-8")
            written.append(file)
    return written


def _write_figures(study: "Study") -> list[Path]:
    folder = study.folder.path / "figures"
    written = []
    for view in figures.applicable(study):
        if view.kind.reads == "scores":
            try:
                written += figures.save(view.draw(), folder, view.stem, formats=FORMATS)
            except SD4MatchError:
                continue  # nothing of it was measured; the tables say why
    for old in set(folder.glob("*.*")) - set(written):
        kind = figures.KINDS.get(old.stem.split("-")[0])
        if kind and kind.reads == "scores" and "@" not in old.stem:
            study.folder.mirror.remove(old)
    return written
