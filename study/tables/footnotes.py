"""Notes below a table: what the numbers are, pairs, missing results, and provenance."""

import math
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from study.analysis.results import Results
from study.analysis.rows import configurations, one_training_seed
from study.analysis.selection import Keys
from study.analysis.statistics.stats import LEVEL
from study.space import labels
from study.space.axes import SEED
from study.space.labels import several
from study.tables import published
from study.tables.layout import Layout
from study.tables.table import SUPERSCRIPTS

MOST_KEYS = 24
"""Keys that a note lists; more make a note that nobody reads."""

_ROUNDING = (
    "one prompt gives the same matches but for near ties; prompts learned on other kinds differ"
    " more with every step"
)

MOST_PAIRS = 20_000
MOST_SEEDS = 100
"""A difference that needs more than these has no answer: nobody annotates or trains so many."""


class Reasons:
    """Letters for the reasons why results or intervals are missing, in order of use."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def cell(self, reason: str) -> str:
        """The text of a missing result: a dash and the letter of its reason."""
        return labels.MISSING + self._letter(f"missing: {reason}")

    def bounds(self, low: float, high: float, reason: object) -> str:
        """An interval in brackets, or the letter of the reason why there is none."""
        untold = isinstance(reason, str) and math.isnan(low)
        return f" {self._letter(f'no interval: {reason}')}" if untold else labels.bounds(low, high)

    def notes(self) -> list[str]:
        """One line per reason."""
        return [f"{letter} {text}." for text, letter in self._letters.items()]

    def _letter(self, text: str) -> str:
        free = SUPERSCRIPTS[len(self._letters) :]
        return self._letters.setdefault(text, free[0] if free else SUPERSCRIPTS[-1])


def pairs(cells: pd.DataFrame) -> str:
    """How many pairs count, by data set and split, in words."""
    most = cells[cells["pairs"] > 0].groupby(["dataset", "split"], sort=False)["pairs"].max()
    counts = [
        f"{labels.dataset(dataset)} {split} {pairs:,}"
        for dataset, split, pairs in most.reset_index().itertuples(index=False)
    ]
    return ", ".join(counts) or "none"


def one_seed(cells: pd.DataFrame, keys: Iterable[str]) -> list[str]:
    """The warning that learned prompts among some configurations have one training seed."""
    return [labels.ONE_SEED] if one_training_seed(cells, set(keys)) else []


def verdicts(margin: float) -> str:
    """What better, worse, equivalent and undecided mean, at a margin in [0, 1]."""
    return (
        f"Margin {labels.points(margin)}: equivalent where the difference is smaller (two one-sided"
        f" tests at {LEVEL:g}, corrected like *), even where it is significant; better or worse"
        " where *; undecided otherwise."
    )


def needed(raw: pd.DataFrame, *, effect: float | None) -> list[str]:
    """How much more test data would make each difference without a mark significant.

    Args:
        raw: rows of one alpha, as `study.analysis.ablation.estimates` gives them.
        effect: the difference to be shown, in [0, 1]; None for each row's own.

    Returns:
        One line; none where every difference has its mark.
    """
    open_ = raw[(raw["split"] == "test") & raw["effect"].notna() & (raw["mark"] == "")]
    found = []
    for dataset, part in open_.groupby("dataset", sort=False):
        rows: dict[str, list[str]] = {}
        for row in part.to_dict("records"):
            rows.setdefault(_more(row), []).append(str(row["label"]))
        words = "; ".join(f"{', '.join(names)}: {more}" for more, names in rows.items())
        found.append(f"{labels.dataset(str(dataset))} {words}")
    if not found:
        return []
    of = "the observed difference, a range since that is uncertain"
    if effect is not None:
        of = f"a difference of {labels.points(effect)}"
    return [f"More test data needed without * (80 % power for {of}): {'. '.join(found)}."]


def _more(row: Mapping[Hashable, Any]) -> str:
    """The pairs or seeds that a row needs, or why there is no answer."""
    ways, most = [], {"pairs": MOST_PAIRS, "seeds": MOST_SEEDS}
    for unit, limit in most.items():
        low, high = row[f"needed_{unit}_low"], row[f"needed_{unit}_high"]
        if high == 0:
            return "enough now"
        if not low <= limit:  # too many, or unknown
            continue
        if high > limit:
            ways.append(f"at least {labels.several(int(max(low, 1)), unit[:-1])}")
        elif high == low:
            ways.append(f"{low:,.0f} {unit}")
        else:
            ways.append(f"{low:,.0f} to {high:,.0f} {unit}")
    if ways:
        return " or ".join(ways)
    if pd.isna(row["needed_pairs_low"]):
        return "no answer, these pairs tell no error"
    return f"no answer, more than {MOST_PAIRS:,} pairs" + (
        "" if pd.isna(row["needed_seeds_low"]) else f" or {MOST_SEEDS} seeds"
    )


def provenance(study: Results, records: Iterable[str]) -> str:
    """The study, the code that measured it, and the keys of the predictions behind a table.

    Args:
        study: the study that measured the numbers.
        records: keys of predict stages.
    """
    keys = [key[:10] for key in dict.fromkeys(records)]
    shown = ", ".join(keys[:MOST_KEYS])
    if len(keys) > MOST_KEYS:
        shown += f", … ({len(keys)} in all, see the SQL view scores)"
    return f"Study {study.name}, {study.revision}. Keys of the predictions: {shown or 'none'}."


def mixed_devices(behind: Iterable[tuple[Results, Collection[str]]]) -> list[str]:
    """The warning that the results in a table come from several kinds of devices.

    Args:
        behind: studies, each with the keys of predict stages behind the table.

    Returns:
        One line; none where all are of one kind.
    """
    devices = Counter[str]()
    for study, records in behind:
        devices.update(study.devices(records))
    return [mixed(devices)] if len(devices) > 1 else []


def mixed(devices: Mapping[str, int]) -> str:
    """What it means that stages were computed on several kinds of devices, in words.

    Args:
        devices: how many stages were computed on each, as `Results.devices` counts them.
    """
    counts = "; ".join(f"{kind}: {several(count, 'stage')}" for kind, count in devices.items())
    kinds = f"Computed on {len(devices)} kinds of devices ({counts})"
    return f"{kinds}, which round differently: {_ROUNDING}."


def what(layout: Layout, study: Results) -> list[str]:
    """The meaning of the numbers: measure, data sets, protocol, intervals."""
    alphas = ", ".join(f"{alpha:g}" for alpha in layout.alphas)
    sets = ", ".join(map(labels.dataset, layout.datasets))
    notes = [f"PCK@{alphas} in % on {sets} {', '.join(layout.splits)}, mean over pairs, protocol"
            f" {study.rule.protocol}."]  # fmt: skip
    if layout.intervals:
        notes[0] += " [95 % interval] for other images of these categories."
    if not layout.groups and len(layout.datasets) > 1:
        notes.append(
            "The mean is over data sets, each counted once; its interval treats their errors"
            " as independent."
        )
    return notes


def of(study: Results, layout: Layout, chosen: Iterable[Keys]) -> list[str]:
    """How the rows of a study were chosen, trained and measured."""
    distinct = list(dict.fromkeys(chosen))
    keys = [key for of_row in distinct for key in of_row]
    table = configurations(study.cells)
    rows = [table[key] for key in keys]
    same = {
        name: value
        for name, value in rows[0].items()
        if name not in layout.axes and all(row[name] in (value, None) for row in rows)
    }
    how = [f"by the best {study.metric}"] if layout.best else []
    how += [f"where {layout.where}"] if layout.where else []
    seeds = labels.values(sorted({row[SEED] or 0 for row in rows}))
    over = f" Means over the measured seeds, of {seeds}; intervals are for other seeds too."
    cells = study.cells
    shown = cells["configuration"].isin(keys) & cells["dataset"].isin(layout.datasets)
    counted = pairs(cells[shown & cells["split"].isin(layout.splits)])
    one = one_seed(cells[cells["configuration"].isin(keys)], keys)
    return [
        f"Study {study.name}. Other axes {' '.join(how) or 'kept at the baseline'};"
        f" shared by all rows: {labels.settings(same)}.",
        f"Training: {labels.training(rows)}. Fidelity: {study.fidelity}."
        f" Pairs: {counted}.{over if len(keys) > len(distinct) else ''}",
        *one,
    ]


def of_published(
    layout: Layout, excluded: str | None, found: Mapping[str, Sequence[published.Cell]]
) -> list[str]:
    """Notes on published rows, or why there are none.

    Args:
        layout: of the table.
        excluded: why they are not comparable; None where they are.
        found: the rows that are shown.
    """
    if not layout.published:
        return []
    if excluded and not layout.mixed:
        return [f"Published numbers are left out: {excluded}; --mixed shows them, marked."]
    mark = [f"† not comparable: {excluded}."] if excluded else []
    return [*published.notes(layout, found), *mark]


def records(study: Results, raw: Sequence[Mapping[str, object]]) -> list[str]:
    """The keys of a study's predictions among the results in a table."""
    own = (row for row in raw if row["study"] == study.name)
    return [key for row in own for key in str(row["records"]).split()]
