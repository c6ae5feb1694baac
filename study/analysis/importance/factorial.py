"""Importance in a factorial design: functional ANOVA, exact since all combinations are measured."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study.analysis.importance.measured_metric import COLUMNS, FACTORIAL, Measure
from study.analysis.statistics.design import Design, Floats
from study.analysis.statistics.stats import design_of
from study.space.configuration import TIES
from study.space.labels import Settings, Value

_ROUNDING = 1e-18  # a variance of PCK below this is the rounding's
_CHUNK = 250  # contrasts at a time: a tenth of the memory that those of a large study take
_DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Grid:
    """All combinations of some axes' values.

    Attributes:
        levels: axis to its values, two or more.
        configurations: (K,) the configuration that answers each combination, the last axis
            fastest. One answers several where an axis does not apply to it.
    """

    levels: Mapping[str, tuple[Value, ...]]
    configurations: tuple[str, ...]


def grid_of(settings: Mapping[str, Settings]) -> Grid | None:
    """The grid that configurations fill; None where combinations are missing.

    Args:
        settings: configuration to its axes. An axis that does not apply to a configuration (None)
            makes it the answer for all of that axis's values. A training axis that always moves
            with its evaluation axis is no axis of its own.
    """
    rows = list(settings.values())
    levels = {}
    for axis in rows[0]:
        values = tuple(dict.fromkeys(row[axis] for row in rows if row[axis] is not None))
        if len(values) > 1 and not _follows(rows, axis):
            levels[axis] = values
    places = [
        [range(len(v)) if row[a] is None else (v.index(row[a]),) for a, v in levels.items()]
        for row in rows
    ]
    shape = [len(values) for values in levels.values()]
    # Counted before it is made: the combinations of a large space may be too many to list.
    if not levels or sum(math.prod(map(len, place)) for place in places) != math.prod(shape):
        return None
    filled: dict[tuple[int, ...], str] = {}
    for name, place in zip(settings, places, strict=True):
        filled |= dict.fromkeys(itertools.product(*place), name)
    if len(filled) != math.prod(shape):
        return None
    return Grid(levels, tuple(filled[place] for place in np.ndindex(*shape)))


def shares(measure: Measure, grid: Grid, *, seed: int) -> pd.DataFrame:
    """Main effects and two-way interactions as shares of the variance over the grid.

    The variance of PCK over the grid is a sum over sets of axes (functional ANOVA: Hooker 2007),
    each a sum of squared orthonormal contrasts of the K combinations. What the chance of the images
    adds to a square, its squared standard error, is subtracted, as the error's mean square is in
    an analysis of variance; resampled squares lose what resampling adds to them besides. The rest
    may be negative, and counts in the total as it is: cut at 0, the many sets without an effect
    would add to the total and take from the shares of the others. Only a share is cut to [0, 1].
    What is missing to a sum of 1 belongs to three and more axes, except for chance. The chance of
    the seeds that all configurations have is treated alike, where there are two or more.

    Args:
        measure: what varies.
        grid: its configurations.
        seed: of the draws.

    Returns:
        `COLUMNS`, one row per axis and one every two axes; values in [0, 1], with NaN for bounds
        where pairs are too few.

    Raises:
        SD4MatchError: the configurations do not differ more than chance explains.
    """
    shape = [len(values) for values in grid.levels.values()]
    size = math.prod(shape)
    from scipy.special import stdtrit  # SciPy is slow to import, so functions do it

    drawn, by_seed = _values(measure, grid)
    contrasts = _contrasts(np.mean(by_seed, axis=0), shape)
    effect, error, moved = contrasts.mean(axis=1), np.zeros(size), np.empty((size, _DRAWS))
    for part in _parts(size):
        errors = drawn.standard_errors(contrasts[part])
        moved[part] = _deviations(drawn, contrasts[part], errors, seed)
        error[part] = np.nan_to_num(drawn.variances(contrasts[part]))
    axes = list(grid.levels)
    sets = [tuple(np.flatnonzero(place)) for place in np.ndindex(*shape)]
    every = [found for found in dict.fromkeys(sets) if found]
    of_set = {found: [k for k, s in enumerate(sets) if s == found] for found in every}
    if len(by_seed) > 1:
        luck, error_of_both = _luck(drawn, by_seed, contrasts, shape)
        error += luck - error_of_both
        rng = np.random.default_rng([seed, len(by_seed)])
        for k in of_set.values():  # as rows of one stratum, whose few seeds are pooled
            wider = stdtrit(len(k) * (len(by_seed) - 1), 0.975) / stdtrit(np.inf, 0.975)
            draws = rng.standard_normal((len(k), _DRAWS))
            moved[k] += wider * math.sqrt(luck[k].mean()) * draws
    if drawn.reason is not None:  # too few pairs to tell their chance: shares without interval
        moved[:] = np.nan
    square = {s: float((effect[k] ** 2 - error[k]).sum()) for s, k in of_set.items()}
    added = error + moved.var(axis=1)
    drawn_square = {
        s: ((effect[k, None] + moved[k]) ** 2 - added[k, None]).sum(axis=0)
        for s, k in of_set.items()
    }
    total, drawn_total = sum(square.values()), np.sum(list(drawn_square.values()), axis=0)
    if total <= _ROUNDING:
        raise SD4MatchError(
            f"importance by {measure.metric}: {size} configurations on {contrasts.shape[1]} pairs "
            "differ no more than chance explains: measure more pairs"
        )
    found = []
    for chosen in (s for s in every if len(s) <= 2):
        value = min(max(square[chosen] / total, 0.0), 1.0)
        drawn_share = drawn_square[chosen] / np.maximum(drawn_total, _ROUNDING)
        low, high = np.quantile(np.clip(drawn_share, 0.0, 1.0), [0.025, 0.975])
        names = [axes[place] for place in chosen]
        other = names[1] if len(names) > 1 else None
        found.append([names[0], other, FACTORIAL, value, min(low, value), max(high, value)])
    return pd.DataFrame(found, columns=COLUMNS)


def _values(measure: Measure, grid: Grid) -> tuple[Design, list[Floats]]:
    """(K, P) values for each seed that all configurations have; without one, means over theirs."""
    rows = {
        first: {seed: measure.pairs(name) for seed, name in measure.seeds[first].items()}
        for first in dict.fromkeys(grid.configurations)
    }
    shared = set.intersection(*(set(row) for row in rows.values()))
    pck = {
        first: [row[seed].pck for seed in sorted(shared)]
        or [np.mean([pairs.pck for pairs in row.values()], axis=0)]
        for first, row in rows.items()
    }
    every = (
        np.stack(values)
        for values in zip(*(pck[name] for name in grid.configurations), strict=True)
    )
    return design_of(list(rows.values())), list(every)


def _luck(
    drawn: Design, by_seed: list[Floats], contrasts: Floats, shape: list[int]
) -> tuple[Floats, Floats]:
    """(K,) squared standard errors of ``contrasts`` (K, P), a mean over seeds, from these seeds.

    And how much of them is also in their squared errors from the images: what differs between seeds
    from image to image.
    """
    luck, both = np.zeros(len(contrasts)), np.zeros(len(contrasts))
    for values in by_seed:
        own = _contrasts(values, shape) - contrasts
        luck += own.mean(axis=1) ** 2
        for part in _parts(len(contrasts)):
            both[part] += np.nan_to_num(drawn.variances(own[part]))
    squares = len(by_seed) * (len(by_seed) - 1)
    return luck / squares, both / squares


def _parts(size: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, size, _CHUNK))


def _deviations(drawn: Design, contrasts: Floats, errors: Floats, seed: int) -> Floats:
    """(K, `_DRAWS`) errors of the means of ``contrasts`` (K, P): each image moves all at once."""
    sums = drawn.image_sums(drawn.residuals(contrasts))
    moved = sums @ np.random.default_rng(seed).standard_normal((sums.shape[1], _DRAWS))
    spread = np.sqrt(np.square(sums).sum(axis=1))
    return np.asarray(moved * (errors / np.where(spread > 0, spread, 1.0))[:, None])


def _contrasts(values: Floats, shape: list[int]) -> Floats:
    """``values`` (K, P) in an orthonormal basis: along each axis the mean first, then contrasts."""
    turned: NDArray[np.float64] = values.reshape(*shape, -1)
    for place, number in enumerate(shape):
        # Householder's reflection of the first unit vector to the constant one.
        normal = np.full(number, 1 / math.sqrt(number))
        normal[0] -= 1
        basis = np.eye(number) - 2 * np.outer(normal, normal) / (normal @ normal)
        turned = np.moveaxis(np.tensordot(basis, turned, axes=(1, place)), 0, place)
    return np.ascontiguousarray(turned.reshape(len(values), -1)) / math.sqrt(len(values))


def _follows(rows: list[Settings], axis: str) -> bool:
    """Whether a training axis is tied to its evaluation axis."""
    leader = next((name for name, train in TIES.items() if train == axis), None)
    return leader is not None and all(row[axis] in (None, row[leader]) for row in rows)
