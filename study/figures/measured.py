"""Data for figures: groups of configurations, splits to show, PCK in percent."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from sd4match.errors import SD4MatchError
from study.analysis.choosing import best
from study.analysis.results import Results
from study.analysis.rows import columns, one_training_seed
from study.analysis.statistics.stats import intervals as around
from study.figures.page import Place
from study.space import labels

Table = Mapping[str, labels.Settings]
"""Every configuration's axes, by its key: what `study.analysis.rows.configurations` gives."""


def shown(cells: pd.DataFrame, keys: Collection[str]) -> list[Place]:
    """The split of each data set that shows configurations: test, unless val has more of them.

    A search measures almost everything on validation alone; data sets without validation, on which
    only the chosen configurations are measured, are left out.

    Args:
        cells: see `study.analysis.contrasts`.
        keys: of the configurations.

    Returns:
        One (data set, split) for each data set with results, in the order of papers.
    """
    done = cells[(cells["status"] == "done") & cells["configuration"].isin(list(keys))]
    if done.empty:
        return []
    counts = done.groupby(["dataset", "split"])["configuration"].nunique()
    found: dict[str, Place] = {}
    for dataset, split, _ in columns(done, [float(done["alpha"].iloc[0])]):
        known = found.get(dataset)
        if known is None or counts[dataset, split] > counts[known]:
            found[dataset] = (dataset, split)
    most = max(counts[place] for place in found.values())
    return [place for place in found.values() if 2 * counts[place] >= most]


def drawable(cells: pd.DataFrame, keys: Collection[str], what: str) -> list[Place]:
    """As `shown`.

    Raises:
        SD4MatchError: nothing of ``what`` is measured.
    """
    places = shown(cells, keys)
    if not places:
        raise SD4MatchError(f"nothing of {what} is measured yet")
    return places


def shared(cells: pd.DataFrame, keys: Collection[str]) -> list[Place]:
    """As `shown`, for the data sets and splits on which all the configurations are measured."""
    done = cells[(cells["status"] == "done") & cells["configuration"].isin(list(keys))]
    found = done.groupby(["dataset", "split"])["configuration"].nunique()
    complete = set(found.index[found == len(set(keys))])
    held = [place in complete for place in zip(done["dataset"], done["split"], strict=True)]
    return shown(done[held], keys)


def at(frame: pd.DataFrame, dataset: str, split: str) -> pd.DataFrame:
    """The rows of a data set and split."""
    return frame[(frame["dataset"] == dataset) & (frame["split"] == split)]


def best_other(study: Results) -> str | None:
    """The configuration that validation chose; None if it is the baseline, or nothing yet."""
    try:
        found = str(best(study).name)
    except SD4MatchError:
        return None
    baseline = study.baseline in study.seeds_of(found).values()
    return None if baseline else found


def closing(study: Results, keys: Collection[str]) -> str:
    """The end of a figure's note: seeds and fidelity.

    Args:
        study: the study.
        keys: the configurations that are drawn.
    """
    one = f" {labels.ONE_SEED}" if one_training_seed(study.cells, keys) else ""
    several = any(len(study.seeds_of(key)) > 1 for key in keys)
    return f"{'Means over seeds. ' if several else ''}Fidelity: {study.fidelity}.{one}"


def for_others(study: Results, keys: Collection[str]) -> str:
    """What the intervals of some configurations are about, after "95 % intervals"."""
    several = any(len(study.seeds_of(key)) > 1 for key in keys)
    return "for other images and seeds" if several else "for other images"


def middle(study: Results) -> str:
    """The configuration around which figures vary axes: the baseline, or the best of a search."""
    if study.folder.facts["design"] != "search" or study.metric is None:
        return study.baseline
    try:
        return str(best(study).name)
    except SD4MatchError:  # nothing is measured yet
        return study.baseline


def elsewhere(table: Table, base: str, *, free: Collection[str]) -> str:
    """The settings that a figure's configurations share, in words."""
    settings = {axis: table[base][axis] for axis in ("prompt", "timestep", "layer", "kernel")}
    return labels.settings({axis: value for axis, value in settings.items() if axis not in free})


def ordered(table: Table, axis: str, keys: Sequence[str]) -> list[labels.Value]:
    """The values that an axis takes among some configurations: numbers ascend, names as they come.

    Configurations to which it does not apply are left out.
    """
    values = list(dict.fromkeys(table[name][axis] for name in keys))
    known: list[labels.Value] = [value for value in values if value is not None]
    numbers = all(map(labels.numeric, known))
    return sorted(known, key=lambda v: float(str(v))) if numbers else known


def intervals(
    study: Results, keys: Sequence[str], places: Sequence[Place], alphas: Sequence[float]
) -> pd.DataFrame:
    """PCK of configurations with 95 % intervals, means over their seeds.

    Args:
        study: the study.
        keys: the configurations.
        places: data sets and splits.
        alphas: thresholds; all must have been scored.

    Returns:
        One row per configuration × place × alpha: ``configuration, dataset, split, alpha, pck, low,
        high`` in percent, NaN where not measured.

    Raises:
        SD4MatchError: an alpha that was not scored.
    """
    rows = []
    for key in keys:
        for place in columns(study.cells, alphas):
            if place[:2] in places:
                row = study.row(key, *place)
                (found,) = around([row]) if row else (None,)
                bounds = (found.mean, found.low, found.high) if found else (np.nan,) * 3
                rows.append((key, *place, *(100 * bound for bound in bounds)))
    names = ["configuration", "dataset", "split", "alpha", "pck", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def distinguished(table: Table, keys: Sequence[str]) -> dict[str, str]:
    """The settings in which some configurations differ, in words: ``layer=1, kernel=7``.

    Axes that only apply to some prompt families are left out, unless they vary.
    """
    rows = {name: table[name] for name in keys}
    differ = labels.differing(rows.values())
    return {
        name: labels.settings({axis: row[axis] for axis in differ}) or name
        for name, row in rows.items()
    }


def find(study: Results, name: str) -> str:
    """The key of a configuration: ``baseline``, ``best``, or the beginning of its key.

    Raises:
        SD4MatchError: no key, or several keys, begin with it.
    """
    if name == "baseline":
        return study.baseline
    if name == "best":
        return str(best(study).name)
    keys = list(study.configurations().index)
    found = [key for key in keys if key.startswith(name)]
    if len(found) != 1:
        matches = f"{len(found)} keys begin with it" if found else "no key begins with it"
        raise SD4MatchError(
            f"configuration {name!r}: {matches}: give baseline, best, or a key from "
            f"`study table {study.name}`"
        )
    return str(found[0])
