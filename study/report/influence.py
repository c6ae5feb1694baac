"""Which axes matter: how far PCK goes along each, and how much of it is more than chance."""

from dataclasses import dataclass

import pandas as pd

from study.report.numbers import percent, several
from study.stats import LEVEL


@dataclass(frozen=True)
class Influence:
    """One axis.

    Attributes:
        axis: its name.
        split: ``validation``, or ``test`` where there is no validation.
        spread: best less worst value's PCK, mean over the data sets, in [0, 1].
        best, worst: (label, PCK) of these values.
        others: how many values there are beside the baseline's.
        different: how many of them differ from the baseline on some test split, by Holm's test.
    """

    axis: str
    split: str
    spread: float
    best: tuple[str, float]
    worst: tuple[str, float]
    others: int
    different: int

    @property
    def words(self) -> str:
        """The same as a sentence."""
        if self.different:
            shown = f"{self.different} of {several(self.others, 'other value')} differ"
            shown += "s" if self.different == 1 else ""
        else:
            shown = f"none of {several(self.others, 'other value')} is shown to differ"
        return (
            f"from {percent(self.worst[1])} % ({self.worst[0]}) to {percent(self.best[1])} % "
            f"({self.best[0]}) on {self.split}; {shown} from the baseline on test"
        )


def influence(axis: str, estimates: pd.DataFrame) -> Influence | None:
    """What an axis does around the baseline.

    Args:
        axis: its name.
        estimates: see `study.ablation.estimates`, at one alpha.

    Returns:
        None where fewer than two values were measured on all data sets.
    """
    split = "val" if (estimates["split"] == "val").any() else "test"
    columns = estimates[estimates["split"] == split]
    wide = columns.pivot(index="configuration", columns="dataset", values="pck").astype(float)
    means = wide.mean(axis=1, skipna=False).dropna()
    if len(means) < 2:
        return None
    label = estimates.drop_duplicates("configuration").set_index("configuration")["label"]
    best, worst = str(means.idxmax()), str(means.idxmin())
    test = estimates[(estimates["split"] == "test") & ~estimates["baseline"]]
    shown = test[test["p_holm"] < LEVEL]
    return Influence(
        axis=axis,
        split="validation" if split == "val" else "test",
        spread=float(means[best] - means[worst]),
        best=(str(label[best]), float(means[best])),
        worst=(str(label[worst]), float(means[worst])),
        others=test["configuration"].nunique(),
        different=shown["configuration"].nunique(),
    )
