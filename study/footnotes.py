"""What stands below every table: how many pairs, why cells are missing, whence the numbers are."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from study import labels
from study.rendering import SUPERSCRIPTS

if TYPE_CHECKING:
    from study.study import Study

MOST_KEYS = 24
"""More store keys than this make a footnote that nobody reads."""


MOST_PAIRS = 20_000
"""Nobody annotates more pairs than this: such a difference is none."""


class Reasons:
    """Gives each reason why something is missing a letter, in order of use."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def cell(self, reason: str) -> str:
        """What stands in a cell that is missing."""
        last = SUPERSCRIPTS[-1]
        free = SUPERSCRIPTS[len(self._letters) :]
        return labels.MISSING + self._letters.setdefault(reason, free[0] if free else last)

    def notes(self) -> list[str]:
        """A line a reason."""
        return [f"{letter} missing: {reason}." for reason, letter in self._letters.items()]


def pairs(cells: pd.DataFrame) -> str:
    """How many pairs count, by data set and split."""
    most = cells[cells["pairs"] > 0].groupby(["dataset", "split"], sort=False)["pairs"].max()
    counts = [
        f"{labels.dataset(dataset)} {split} {pairs:,}"
        for dataset, split, pairs in most.reset_index().itertuples(index=False)
    ]
    return ", ".join(counts) or "none"


def needed(raw: pd.DataFrame) -> list[str]:
    """How much more would tell each test difference from the baseline that has no mark.

    Args:
        raw: rows of one alpha, as `study.ablation.estimates` gives them.

    Returns:
        One line, or none where nothing more would help.
    """
    open_ = raw[(raw["split"] == "test") & raw["effect"].notna() & (raw["mark"] == "")]
    told = []
    for dataset, part in open_.groupby("dataset", sort=False):
        rows = [
            f"{label}: {more}"
            for label, *counts in part[["label", "needed_pairs", "needed_seeds"]].to_numpy()
            if (more := _more(*counts))
        ]
        if rows:
            told.append(f"{labels.dataset(str(dataset))} {', '.join(rows)}")
    if not told:
        return []
    return [f"More test data that would tell the others apart (80 % power): {'; '.join(told)}."]


def _more(pairs: float, seeds: float) -> str:
    ways = [
        f"{count:,.0f} {unit}{'s' * (count != 1)}"
        for count, unit in ((pairs, "pair"), (seeds, "seed"))
        if 0 < count < MOST_PAIRS
    ]
    return " or ".join(ways)


def provenance(study: "Study", records: Iterable[str]) -> str:
    """The study, the code that measured it, and the store keys of what is shown.

    Args:
        study: whose numbers they are.
        records: keys of predict stages.
    """
    keys = [key[:10] for key in dict.fromkeys(records)]
    shown = ", ".join(keys[:MOST_KEYS])
    if len(keys) > MOST_KEYS:
        shown += f", … ({len(keys)} in all, see the view scores)"
    return f"Study {study.name}, {revision(study)}. Predictions in the store: {shown or 'none'}."


def revision(study: "Study") -> str:
    """The version of the code that a study was launched with, and its git revision where known."""
    known = f"sd4match-study {study.folder.facts['versions']['sd4match-study']}"
    if (record := study.provenance) is not None:
        code = record["launches"][-1]["code"]
        if code["revision"]:
            known += f", revision {code['revision'][:10]}" + (
                " with changes" if code["diff"] else ""
            )
    return known
