"""What a study cost and shared, and what of it is missing: counted from its index and its store."""

import json
from dataclasses import dataclass

import pandas as pd

from study import labels
from study.axes import AXES
from study.report import connections
from study.report.numbers import seconds, several
from study.study import Study

PENDING = "not computed yet"
"""The reason of cells that nothing went wrong with (`study.answers.measure`)."""
MOST = 5
"""Configurations that are named for a reason; the rest is counted."""


@dataclass(frozen=True)
class Progress:
    """How many cells (configuration × data set × split) there are; ``pending`` may still come."""

    cells: int
    done: int
    pending: int

    @property
    def failed(self) -> int:
        """Cells that are missing for another reason than that their turn did not come yet."""
        return self.cells - self.done - self.pending


@dataclass(frozen=True)
class Hole:
    """Cells that are missing for one reason."""

    reason: str
    cells: int
    places: str
    examples: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Line:
    """A kind of work: how often it was needed, and how long it took; ``-`` where not timed."""

    what: str
    shared: int
    alone: int
    timed: str
    total: str
    median: str


def _once(study: Study) -> pd.DataFrame:
    return study.cells.drop_duplicates(["configuration", "dataset", "split"])


def progress(study: Study) -> Progress:
    """Count the cells that are there and those that may still come."""
    cells = _once(study)
    missing = cells[cells["status"] != "done"]
    pending = int((missing["reason"] == PENDING).sum())
    return Progress(len(cells), len(cells) - len(missing), pending)


def holes(study: Study) -> list[Hole]:
    """What is missing, by reason, the most frequent first."""
    cells = _once(study)
    missing = cells[cells["status"] != "done"]
    table = connections.settings(study)
    varied = {axis: {row[axis] for row in table.values()} for axis in AXES}
    found = []
    for reason, rows in missing.groupby("reason", sort=False):
        keys = list(dict.fromkeys(rows["configuration"]))
        told = [
            f"{key}: "
            + labels.settings({axis: v for axis, v in table[key].items() if len(varied[axis]) > 1})
            for key in keys[:MOST]
        ]
        places = rows["dataset"].map(labels.dataset) + " " + rows["split"]
        found.append(
            Hole(str(reason), len(rows), ", ".join(places.unique()), tuple(told),
                 len(keys) - len(told))
        )  # fmt: skip
    return sorted(found, key=lambda hole: -hole.cells)


def work(study: Study) -> list[Line]:
    """How much work sharing left over, and the seconds that the store knows of it."""
    index = study.index[study.index["missing"].isna()]
    timed = _timed(study)
    lines = []
    for what, column in (("prompts to learn", "tune"), ("predictions of a split", "predict")):
        needed = index.dropna(subset=[column])
        keys = needed[column].unique()
        known = pd.Series([timed[key] for key in keys if key in timed], dtype=float)
        lines.append(
            Line(
                what,
                len(keys),
                len(needed.drop_duplicates(["configuration", column])),
                several(len(known), "stage") if len(known) else "–",
                seconds(float(known.sum())) if len(known) else "–",
                seconds(float(known.median())) if len(known) else "–",
            )
        )
    trials = index["extraction"].nunique()
    alone = len(index.drop_duplicates(["configuration", "extraction"]))
    lines.insert(1, Line("trials (prompt × extraction setting)", trials, alone, "–", "–", "–"))
    return lines


def _timed(study: Study) -> dict[str, float]:
    """Seconds by stage key, as `study.speed.record` keeps them."""
    found = {}
    for file in sorted(study.folder.store.speed.glob("*/*.json")):
        try:
            found[file.stem] = float(json.loads(file.read_text())["seconds"])
        except (OSError, ValueError, KeyError):  # a note about time is not worth a failure
            continue
    return found
