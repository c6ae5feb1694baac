"""A study's views as files, for other programs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sd4match.atomic import atomic_path
from sd4match.errors import require_known
from study import sql
from study.views import VIEWS, views_of

if TYPE_CHECKING:
    from study.study import Study

FORMATS = ("csv", "parquet", "json")
USUAL = tuple(name for name in VIEWS if name != "keypoints")
"""Predicted keypoints may be a thousand times more than all the rest: only when asked for."""


def export(
    study: "Study", folder: Path, *, form: str = "parquet", views: Sequence[str] = USUAL
) -> list[Path]:
    """Write views to a folder, a file each; rows are in the order of the study.

    Args:
        study: whose.
        folder: made when missing; files of the same names are replaced.
        form: one of `FORMATS`; JSON is an array of objects.
        views: names in `study.views.VIEWS`.

    Returns:
        The files.

    Raises:
        SD4MatchError: an unknown format or view, or the folder cannot be written to.
    """
    require_known(form, FORMATS, what="format", where="--format")
    for name in views:
        require_known(name, VIEWS, what="view", where="--view")
    written = []
    for name in views:
        file = folder / f"{name}.{form}"
        with atomic_path(file) as temporary:
            sql.copy(f"SELECT * FROM {name}", views_of(study), str(temporary), form)
        written.append(file)
    return written
