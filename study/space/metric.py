"""Metrics by name, ``data set/split/measure``, and the rule by which predictions are scored."""

import difflib
import re
from dataclasses import asdict, dataclass
from typing import Any

from sd4match.datasets.benchmarks import NAMES, SPLITS
from sd4match.errors import SD4MatchError, require_known

MEAN = "mean"
COST = "cost"
"""An objective beside metrics, less is better: planned TFLOP per image, from the plan's index."""
_GRAMMAR = re.compile(r"(\w+)/(\w+)/pck@(\d*\.?\d+)(/point)?")


def difference_of(points: float, *, where: str) -> float:
    """A difference of PCK in percentage points as a share.

    Args:
        points: above 0 and below 100.
        where: it was written, for the message.

    Raises:
        SD4MatchError: any other number.
    """
    if not 0 < points < 100:
        raise SD4MatchError(
            f"{where}: expected percentage points above 0 and below 100, got {points:g}"
        )
    return points / 100


@dataclass(frozen=True)
class Metric:
    """One number of a configuration.

    Attributes:
        dataset: a benchmark's name, or ``mean``: over the data sets that have the split.
        split: ``train``, ``val`` or ``test``.
        alpha: threshold of PCK, a share of the reference length.
        point: average over keypoints instead of images (docs/explanation/method.md section 3).
    """

    dataset: str
    split: str
    alpha: float
    point: bool = False

    def __str__(self) -> str:
        return f"{self.dataset}/{self.split}/pck@{self.alpha:g}{'/point' if self.point else ''}"

    @classmethod
    def parse(cls, text: str) -> "Metric":
        """The metric of this name.

        Args:
            text: ``spair/val/pck@0.1``, ``pf_willow/test/pck@0.05/point``, ``mean/test/pck@0.1``.

        Raises:
            SD4MatchError: no such metric; the message gives the nearest.
        """
        found = _GRAMMAR.fullmatch(text)
        if found is None:
            near = difflib.get_close_matches(text, _names(), n=2, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "for example spair/val/pck@0.1"
            raise SD4MatchError(f"no metric {text!r}: it reads dataset/split/pck@alpha; {hint}")
        dataset, split, alpha = found[1], found[2], float(found[3])
        require_known(dataset, (*NAMES, MEAN), what="data set", where=f"metric {text!r}")
        splits = _splits(dataset)
        if split not in splits:
            raise SD4MatchError(
                f"metric {text!r}: {dataset} has no split {split!r}; take {' or '.join(splits)}"
            )
        if not alpha > 0:
            raise SD4MatchError(f"metric {text!r}: alpha must be above 0, for example pck@0.1")
        return cls(dataset, split, alpha, found[4] is not None)


def selecting(text: str) -> Metric:
    """A metric that may choose configurations: one on validation.

    See docs/explanation/architecture.md, idea 7.

    Args:
        text: name of a metric.

    Raises:
        SD4MatchError: no metric of that name, or it is not on validation.
    """
    metric = Metric.parse(text)
    if metric.split != "val":
        raise SD4MatchError(
            f"metric {text!r} is on {metric.split}: configurations are chosen on val only; "
            "`study table` shows every split"
        )
    return metric


def _splits(dataset: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(s for name in NAMES for s in SPLITS[name] if dataset in (name, MEAN))
    )


def _names() -> list[str]:
    return [
        str(Metric(dataset, split, alpha, point))
        for dataset in (*NAMES, MEAN)
        for split in _splits(dataset)
        for alpha in (0.1, 0.05, 0.15)
        for point in (False, True)
    ]


@dataclass(frozen=True)
class Rule:
    """How predictions are scored.

    Attributes:
        alphas: thresholds as fractions of the reference length.
        protocol: docs/explanation/method.md section 3.
    """

    alphas: tuple[float, ...]
    protocol: str

    @property
    def usual_alpha(self) -> float:
        """The alpha that papers compare by, 0.1, or the study's middle one."""
        return 0.1 if 0.1 in self.alphas else self.alphas[len(self.alphas) // 2]

    def address(self, image_size: int) -> dict[str, Any]:
        """The part of a score file's address that depends on the rule.

        Args:
            image_size: side S of the square that protocol ``sd4match`` measures in, pixels.
        """
        return {**asdict(self), "image_size": image_size}
