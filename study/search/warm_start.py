"""Points that earlier studies measured, where the store answers all that this search asks."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from study.axes import AXES, Value
from study.folder import StudyFolder
from study.search.proposals import Proposals
from study.search.settings import Point
from study.space import Space


def known_points(space: Space, proposals: Proposals) -> Iterator[tuple[str, Point]]:
    """The points of a search that the studies of ``search.warm_start`` lie on, each once.

    They may have measured them at another setting of what is no axis here: the store, whose keys
    hold every setting, says whether it answers.

    Yields:
        The study's name and the point.

    Raises:
        SD4MatchError: there is no such study in ``results``.
    """
    seen: set[tuple[tuple[str, Value], ...]] = set()
    for name in space.file.search.warm_start:
        index = StudyFolder.open(StudyFolder.of(space).path.parent / name).read_plan()
        for _, row in index.drop_duplicates("configuration").iterrows():
            point = proposals.read({axis: _plain(row[axis]) for axis in AXES})
            if point is not None and tuple(point.items()) not in seen:
                seen.add(tuple(point.items()))
                yield name, point


def _plain(cell: Any) -> Value:
    """A table's cell as an axis' value."""
    if pd.isna(cell):
        return None
    value: Value = cell.item() if hasattr(cell, "item") else cell
    return value
