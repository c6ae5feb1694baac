"""One configuration's scores with intervals, and its differences to the baseline."""

import math
from dataclasses import dataclass

from study.analysis.comparison import compare
from study.analysis.results import Results
from study.analysis.rows import KEY, columns
from study.space import labels

SPLITS = {"test": "test", "val": "validation"}


_AT_A_MARGIN = {
    "equivalent": "equivalent to the baseline: the difference is smaller than the margin",
    "undecided": "undecided: neither different nor equivalent at the margin",
}


@dataclass(frozen=True)
class Gap:
    """The difference to the baseline on the same pairs, in PCK; ``low`` and ``high`` may be NaN.

    ``said`` is what it says at the study's margin; empty without one.
    """

    effect: float
    low: float
    high: float
    said: str = ""

    @property
    def verdict(self) -> str:
        """The conclusion that the interval allows."""
        if math.isnan(self.low):
            return "no interval: these pairs tell no error"
        if self.said in ("equivalent", "undecided"):
            return _AT_A_MARGIN[self.said]
        if self.low > 0:
            return "better than the baseline"
        if self.high < 0:
            return "worse than the baseline"
        return "no significant difference: the interval includes 0"

    @property
    def tone(self) -> str:
        """``gain``, ``loss``, or nothing where the interval includes 0 or it does not matter."""
        if self.said in ("equivalent", "undecided"):
            return ""
        return "gain" if self.low > 0 else "loss" if self.high < 0 else ""


@dataclass(frozen=True)
class Score:
    """PCK on one split at one alpha; NaN where it was not measured, and ``reason`` says why.

    ``gap`` is None for the baseline itself, where either was not measured, and at other alphas
    than the usual one.
    """

    dataset: str
    split: str
    alpha: float
    pck: float
    low: float
    high: float
    pairs: int
    reason: str | None
    gap: Gap | None

    @property
    def place(self) -> str:
        """Data set and split in words."""
        return f"{labels.dataset(self.dataset)} {SPLITS[self.split]}"


def scores(study: Results, configuration: str) -> list[Score]:
    """The scores of a configuration by data set, split and alpha, test first.

    Args:
        study: holds the measurements.
        configuration: its key.
    """
    cells = {
        tuple(cell[name] for name in KEY): cell
        for cell in study.scores(configuration).to_dict("records")
    }
    gaps = _gaps(study, configuration)
    found = []
    for key in columns(study.cells, None):
        if (cell := cells.get(key)) is None:
            continue
        pck, low, high = (float(cell[name]) for name in ("pck", "low", "high"))
        why = None if cell["status"] == "done" else str(cell["reason"])
        pairs = 0 if why else int(cell["pairs"])
        found.append(Score(*key, pck, low, high, pairs, why, gaps.get(key)))
    return found


def _gaps(study: Results, configuration: str) -> dict[tuple[str, str, float], Gap]:
    known = set(study.index["configuration"])
    if configuration == study.baseline or study.baseline not in known:
        return {}
    found = compare(study, study, configurations_of=(study.baseline, configuration)).differences
    if "effect" not in found:  # neither was measured anywhere
        return {}
    return {
        (row["dataset"], row["split"], row["alpha"]): Gap(
            row["effect"], row["low"], row["high"], row["verdict"]
        )
        for row in found[found["effect"].notna()].to_dict("records")
    }
