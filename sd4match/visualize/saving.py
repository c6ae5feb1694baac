"""Figures as files."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from sd4match.atomic import atomic_path, require_writable
from sd4match.errors import SD4MatchError

# Dates and version strings would change the bytes from day to day.
_DATELESS: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}
_STYLE: Any = {  # matplotlib names its settings in a type of its own
    "pdf.fonttype": 42,  # text stays text in the paper's PDF
    "svg.hashsalt": "sd4match",
}


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, at 300 dpi; the same figure, the same bytes.

    Args:
        figure: any.
        path: ends in .png, .pdf or .svg.

    Raises:
        SD4MatchError: as ``check``.
    """
    check(path)
    with matplotlib.rc_context(_STYLE), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=300, metadata=_DATELESS[path.suffix.lower()])


def check(path: Path) -> None:
    """Refuse a path that ``save`` would, before anything is computed.

    Raises:
        SD4MatchError: another suffix, or nothing can be written there.
    """
    if path.suffix.lower() not in _DATELESS:
        raise SD4MatchError(f"{path}: a picture ends in {', '.join(_DATELESS)}: name it so")
    require_writable(path)
