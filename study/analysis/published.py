"""Published PCK: what papers and their pages report, one number a row of ``published.csv``.

docs/explanation/method.md section 4 says how the rows were checked.
"""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from study.space.labels import Value

COMPLETE = "full test split"
"""The subset of rows that are comparable with a study of all test pairs."""


@dataclass(frozen=True)
class Published:
    """One published number.

    Attributes:
        method: as papers name it.
        supervision: ``zero-shot``, ``weak`` or ``supervised``.
        backbone: what gives the features; empty where the source does not say.
        resolution: the image side in pixels, or ``original``; empty where the source does not say.
        dataset: the data set, as a study names it.
        subset: the pairs; `COMPLETE` for all test pairs.
        average: over the pairs' own PCK (``image``), over all keypoints (``point``), or
            ``unknown``.
        alpha: threshold of PCK.
        category: of the pairs; empty for all.
        axis: the axis of the ablation curve that the number is a point of; empty for a result.
        value: of the axis: a number, a name, or None where the axis does not apply to the method.
        pck: in percent.
        evidence: ``first-hand`` where the method's own authors print the number, in their paper,
            page or repository; ``second-hand`` where others do.
        source: the work, a colon, and the place where the number stands.
        note: what else a reader must know.
    """

    method: str
    supervision: str
    backbone: str
    resolution: str
    dataset: str
    subset: str
    average: Literal["image", "point", "unknown"]
    alpha: float
    category: str
    axis: str
    value: Value
    pck: float
    evidence: Literal["first-hand", "second-hand"]
    source: str
    note: str

    @property
    def work(self) -> str:
        """The work that prints the number."""
        return self.source.partition(":")[0]

    @property
    def setting(self) -> str:
        """Supervision, backbone and resolution in words."""
        size = f" at {self.resolution}" if self.resolution else ""
        return ", ".join(filter(None, (self.supervision, self.backbone + size)))


def _read() -> tuple[Published, ...]:
    file = resources.files("study.analysis").joinpath("published.csv")
    return tuple(map(_row, csv.DictReader(file.read_text("utf-8").splitlines())))


def _row(row: dict[str, str]) -> Published:
    numbers = {"alpha": float(row["alpha"]), "pck": float(row["pck"]), "value": _value(row)}
    return Published(**row | numbers)  # type: ignore[arg-type]  # the columns are the fields


def _value(row: dict[str, str]) -> Value:
    text = row["value"]
    return int(text) if text.isdigit() else text or None


PUBLISHED = _read()
"""Every row, in the order of a table: zero-shot, weak, supervised, then the ablation curves."""


def curves(axis: str, dataset: str, alpha: float) -> dict[str, tuple[Published, ...]]:
    """The published ablation curves along an axis.

    Args:
        axis: for example ``timestep``.
        dataset: a data set.
        alpha: threshold of PCK.

    Returns:
        The name of each curve to its points, in the order of the source.
    """
    found: dict[str, tuple[Published, ...]] = {}
    for row in PUBLISHED:
        if (row.axis, row.dataset, row.alpha) == (axis, dataset, alpha):
            found[row.method] = (*found.get(row.method, ()), row)
    return found
