"""Text on the importance of axes, and on how their values differ from the baseline."""

from dataclasses import dataclass

import pandas as pd

from sd4match.errors import SD4MatchError
from study.analysis.results import Results
from study.search.ped_anova import study_importance
from study.space import labels
from study.space.labels import listed, several

MOST = 8
"""How many axes and pairs of axes are listed."""


@dataclass(frozen=True)
class Influence:
    """How much an axis, or two together, matters; all in [0, 1].

    Attributes:
        axes: one, or two for their interaction.
        value, low, high: with its 95 % interval, which may be NaN.
    """

    axes: tuple[str, ...]
    value: float
    low: float
    high: float

    @property
    def name(self) -> str:
        """In words."""
        return " × ".join(map(labels.axis, self.axes))


@dataclass(frozen=True)
class Ranking:
    """The most important first.

    Attributes:
        what: the meaning of the values, in words; without values, why there are none.
        unit: the unit of 100 times a value.
    """

    what: str
    unit: str = ""
    influences: tuple[Influence, ...] = ()


def ranking(study: Results) -> Ranking:
    """The result of `study.search.ped_anova.study_importance`, for the page."""
    try:
        found = study_importance(study)
    except SD4MatchError as error:  # too little measured, or nothing varies
        return Ranking(str(error))
    kind = str(found["kind"].iloc[0])
    numbers = found[["value", "low", "high"]].itertuples(index=False, name=None)
    axes = [
        (axis,) if other is None else (axis, other)
        for axis, other in found[["axis", "other"]].itertuples(index=False, name=None)
    ]
    influences = [Influence(of, *row) for of, row in zip(axes, numbers, strict=True)]
    measured = study.usual_metric
    return Ranking(
        f"{kind[0].upper()}{kind[1:]} in {measured}, with 95 % intervals.",
        "%" if "share" in kind else "points",
        tuple(influences),
    )


def verdict(estimates: pd.DataFrame) -> str:
    """How many values of an axis differ significantly from the baseline's on test, in words.

    Args:
        estimates: see `study.analysis.ablation.estimates`, at one alpha.
    """
    others = estimates[(estimates["split"] == "test") & ~estimates["baseline"]]
    alike = others[others["verdict"] == "equivalent"]
    shown = others[(others["mark"] != "") & (others["verdict"] != "equivalent")]
    better, worse = (
        shown.loc[sign * shown["effect"] > 0, "configuration"].nunique() for sign in (1, -1)
    )
    values = several(others["configuration"].nunique(), "other value")
    parts = [f"{n} {how}" for n, how in ((better, "better"), (worse, "worse")) if n]
    equal = f"; {alike['configuration'].nunique()} equivalent somewhere" if len(alike) else ""
    return f"of {values}, " + (
        f"{listed(parts)} than the baseline on test{equal}"
        if parts
        else f"none differs significantly from the baseline on test{equal}"
    )
