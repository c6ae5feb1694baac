"""The uncertainty of a choice: the configurations that tie with the best, and its score's optimism.

The best of many scores is partly the luckiest: on other images it would be lower. And some of the
others may be as good. Both come from the joint errors of all scores on the same pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sd4match.errors import SD4MatchError
from study.analysis.choosing import ranked
from study.analysis.importance.measured_metric import Measure
from study.analysis.results import Results
from study.analysis.statistics.design import Design, Floats
from study.analysis.statistics.stats import LEVEL, Row, design_of, differences
from study.space.metric import Metric

MOST = 500
"""Configurations whose pairs are read, the highest scores first."""
_DRAWS = 4000
_REACH = 4.0  # standard errors below the best: what is lower had no chance to be it


@dataclass(frozen=True)
class ChoiceUncertainty:
    """How sure a choice is.

    Attributes:
        compared: how many configurations it was chosen from, seeds of one counted once.
        tied: those that are not significantly worse than the best, the highest score first. With
            a chance of 95 % or more, the truly best is the chosen one or one of these.
        optimism: by how much the chosen score is too high on average; NaN where the pairs cannot
            tell it.
    """

    compared: int
    tied: tuple[str, ...]
    optimism: float


def choice_uncertainty(
    study: Results, metric: str, *, where: str | None = None
) -> ChoiceUncertainty:
    """How sure the choice of the best configuration is.

    Args:
        study: the study.
        metric: that chose it; an average over pairs.
        where: the condition on the axes that it was chosen under.

    Raises:
        SD4MatchError: as `study.analysis.choosing.ranked`; an average over keypoints.
    """
    wanted = Metric.parse(metric)
    if wanted.point:
        raise SD4MatchError(f"{metric}: ties and optimism are of averages over pairs only")
    scores = ranked(study.cells, metric=metric, where=where)
    measure = Measure.of(study.cells, study.samples, wanted)
    rows = [
        {
            seed: measure.pairs(key)
            for seed, key in study.seeds_of(name).items()
            if key in measure.values.index
        }
        for name in map(str, scores.index[:MOST])
    ]
    tied = ties(rows, compared=len(scores))
    names = [str(name) for name in scores.index]
    return ChoiceUncertainty(
        len(scores), tuple(names[place] for place in tied), optimism_of(rows) if rows else np.nan
    )


def ties(rows: Sequence[Row], *, compared: int) -> list[int]:
    """The rows that are not significantly worse than the first.

    Each is left out by a one-sided test at 5 % over the number of comparisons. The truly best row
    is then left out with a chance of at most 5 %, whichever row came first (Bonferroni over all
    that could beat it: a confidence set for the best, as Hsu's, *Multiple Comparisons*, 1996).

    Args:
        rows: on the same pairs; the first has the highest mean.
        compared: how many rows the first was chosen from.

    Returns:
        Places in ``rows``.
    """
    best, *others = rows
    gaps = differences(others, best)
    level = LEVEL / max(compared - 1, 1)
    return [
        place
        for place, gap in enumerate(gaps, 1)
        if gap is None or not gap.spread.beyond(-gap.effect) < level
    ]


def optimism_of(rows: Sequence[Row], *, seed: int = 0) -> float:
    """By how much the highest of some means is too high on average.

    Draws scores from the joint normal distribution of their errors around plausible true values,
    and takes the mean error of the highest. True values scatter less than scores, whose scatter
    holds the errors too: the scores are shrunk to the scatter that remains without them (Efron and
    Morris 1973). Drawn around the scores themselves, the optimism would be a quarter too small.

    Args:
        rows: on the same pairs.
        seed: of the draws.

    Returns:
        In [0, 1]; 0 for one row, NaN where the pairs cannot tell the errors.
    """
    values = np.stack([np.mean([own.pck for own in row.values()], axis=0) for row in rows])
    pairs = design_of(rows)
    if pairs.reason is not None:
        return float("nan")
    covariance = _covariance(pairs, values) + np.diag([_between_seeds(pairs, row) for row in rows])
    scores = values.mean(axis=1)
    best = int(scores.argmax())
    apart = covariance[best, best] + np.diag(covariance) - 2 * covariance[best]
    near = scores[best] - scores <= _REACH * np.sqrt(np.maximum(apart, 0))
    scores, covariance = scores[near], covariance[np.ix_(near, near)]
    size = len(scores)
    centered = np.eye(size) - 1 / size
    noise = float(np.trace(centered @ covariance)) / size
    scatter = float(scores.var())
    kept = np.sqrt(max(0.0, 1 - noise / scatter)) if scatter > 0 else 0.0
    plausible = scores.mean() + kept * (scores - scores.mean())
    draws = np.random.default_rng(seed).standard_normal((size, _DRAWS))
    errors = _root(covariance) @ draws
    highest = (plausible[:, None] + errors).argmax(axis=0)
    # Below 0 only by the chance of the draws.
    return max(0.0, float(errors[highest, np.arange(_DRAWS)].mean()))


def _covariance(pairs: Design, values: Floats) -> NDArray[np.float64]:
    """(K, K) of the errors of the means of ``values`` (K, P): `Design.standard_errors`, jointly."""
    residuals = pairs.residuals(values)
    images = pairs.image_sums(residuals)
    couples = np.stack([np.bincount(pairs.couple, weights=row) for row in residuals])
    found = images @ images.T - couples @ couples.T
    return np.asarray(found * pairs.inflation / values.shape[1] ** 2)


def _between_seeds(pairs: Design, row: Row) -> float:
    """The variance of a row's mean by its seeds, beyond what images make of it."""
    values = np.stack([own.pck for own in row.values()])
    number = len(values)
    if number == 1:
        return 0.0
    own = np.nan_to_num(pairs.standard_errors(values - values.mean(axis=0)))
    within = float(np.square(own).sum()) / (number * (number - 1))
    return max(float(values.mean(axis=1).var(ddof=1)) / number - within, 0.0)


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix square root; negative eigenvalues, which chance makes, go, and the trace stays."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    kept = np.maximum(eigenvalues, 0)
    total = kept.sum()
    if total > 0:
        kept *= max(float(eigenvalues.sum()), 0.0) / total
    return np.asarray(vectors * np.sqrt(kept))
