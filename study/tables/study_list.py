"""The studies of a results folder: state, progress, age and size."""

import datetime
from pathlib import Path
from typing import Any

from tabulate import tabulate

from sd4match.errors import SD4MatchError
from study.space.labels import clock
from study.store import heartbeat, studies
from study.store.study_folder import StudyFolder
from study.store.study_lookup import existing
from study.tables.status import ended

UNITS = ("B", "kB", "MB", "GB", "TB")


def studies_report(results: Path) -> tuple[list[dict[str, Any]], str]:
    """All studies of a results folder, as plain values and as a table.

    Records are not read: progress is that of the last launch, in work items.

    Args:
        results: as `study.store.mirror.local` gives it.

    Raises:
        SD4MatchError: it is behind a URL that cannot be reached.
    """
    rows = [_facts(results / name) for name in studies.names(results)]
    store = sum(studies.sizes(results / studies.STORE).values())
    if not rows:
        return rows, f"no studies in {results}: `study launch` makes one"
    shown = [
        (
            row["study"],
            row["state"],
            "" if row["of"] is None else f"{row['done']:,}/{row['of']:,}",
            "" if row["age_s"] is None else f"{age(row['age_s'])} ago",
            size(row["bytes"]),
        )
        for row in rows
    ]
    headers = ["study", "state", "work items", "last launch", "size"]
    align = ("left", "left", "right", "right", "right")
    table = tabulate(shown, headers, tablefmt="simple", colalign=align, disable_numparse=True)
    return rows, f"{table}\n\nthe store that they share: {size(store)}"


def _facts(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = {"study": path.name, "done": None, "of": None, "age_s": None}
    try:
        folder = StudyFolder(existing(path))
        beat, made = heartbeat.read(folder.path), folder.read_provenance() or {}
        running = beat is not None and beat["alive"]
        state, why = ("running", "") if running else ended(folder, beat)
    except SD4MatchError as error:
        return known | {"state": "damaged", "why": str(error), "bytes": _bytes(path)}
    last = (made.get("launches") or [{}])[-1]
    if beat and "work" in beat:  # of a launch that runs, or was killed
        items = list(beat["work"].values())
        known |= {
            "done": sum(counts["computed"] + counts["done"] for counts in items),
            "of": sum(counts["total"] for counts in items),
        }
    else:
        known |= {"done": last.get("done"), "of": last.get("of")}
    if moment := last.get("ended") or last.get("started"):
        now = datetime.datetime.now(datetime.UTC)
        known["age_s"] = max(
            0, round((now - datetime.datetime.fromisoformat(moment)).total_seconds())
        )
    return known | {"state": state, "why": why.removeprefix(": "), "bytes": _bytes(path)}


def _bytes(path: Path) -> int:
    return sum(studies.sizes(path).values())


def age(seconds: float) -> str:
    """A time in the largest unit that fits it: ``42 s``, ``5 h``, ``12 days``."""
    if seconds < 3600:
        return clock(seconds).partition(" min")[0] + (" min" if seconds >= 100 else "")
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def size(count: float) -> str:
    """Bytes for people: ``1.5 MB``."""
    for unit in UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} {UNITS[-1]}"
