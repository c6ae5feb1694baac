"""Scores are a view: per-pair counts of correct keypoints, from recorded predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sd4match import pck
from sd4match.errors import SD4MatchError
from study.records import settings_of
from study.stages import Setting
from study.store import Store

_BLOCK = 4


@dataclass(frozen=True)
class Record:
    """Where predictions are and what it takes to score them.

    Attributes:
        key: of the predict stage.
        data: fingerprint of the split.
        image_size: side S of the square that protocol ``sd4match`` measures in.
    """

    key: str
    data: str
    image_size: int


@dataclass(frozen=True)
class Rule:
    """How predictions are scored.

    Attributes:
        alphas: thresholds as fractions of the reference length.
        protocol: METHOD.md section 3.
    """

    alphas: tuple[float, ...]
    protocol: str

    @property
    def usual_alpha(self) -> float:
        """The alpha that papers compare by, 0.1, or the study's middle one."""
        return 0.1 if 0.1 in self.alphas else self.alphas[len(self.alphas) // 2]

    def address(self, image_size: int) -> dict[str, Any]:
        """What goes into a score file's address; ``image_size`` is the square's side S."""
        return {**asdict(self), "image_size": image_size}


def score(store: Store, record: Record, settings: Sequence[Setting], rule: Rule) -> list[Path]:
    """The score files that hold some settings of a predict stage; those missing are made.

    Args:
        store: where predictions and ground truth are.
        record: which predictions.
        settings: recorded free settings.
        rule: how to score.

    Returns:
        The files, in the order of first use.

    Raises:
        SD4MatchError: a setting or the ground truth is not on record.
    """
    recorded = store.recorded(record.key)
    if absent := [setting for setting in settings if setting not in recorded]:
        raise SD4MatchError(
            f"store {store.folder}: no predictions {record.key} of layer {absent[0][0]}, "
            f"{absent[0][1]}: launch the study again"
        )
    files = []
    for predictions in dict.fromkeys(recorded[setting] for setting in settings):
        file = store.score_file(record.key, predictions, rule.address(record.image_size))
        if not file.exists():
            truth, _ = truth_of(store.folder, record.data)
            positions = store.read_predictions(predictions, truth)
            counts = count_correct(truth, positions, rule, image_size=record.image_size)
            store.write_scores(file, settings_of(predictions), counts, truth.n_keypoints)
        files.append(file)
    return files


@lru_cache(maxsize=16)
def truth_of(store: Path, data: str) -> tuple[pck.GroundTruth, pd.DataFrame]:
    """A split's ground truth and its pairs, read once: what is in a store never changes.

    Args:
        store: the store's folder.
        data: the split's fingerprint.

    Raises:
        SD4MatchError: it was never recorded, or the files are damaged.
    """
    return Store(store).read_truth(data)


def count_correct(
    truth: pck.GroundTruth, positions: np.ndarray, rule: Rule, *, image_size: int
) -> Mapping[float, np.ndarray]:
    """Correct keypoints a pair.

    Args:
        positions: (S, K, 2) predictions in original pixels.

    Returns:
        alpha to (S, P) counts.
    """
    # A few settings at a time stay in the processor's cache, which is many times faster.
    blocks = []
    for start in range(0, len(positions), _BLOCK):
        correct = pck.correct(
            truth,
            positions[start : start + _BLOCK],
            alpha=rule.alphas,
            protocol=rule.protocol,
            image_size=image_size,
        )
        blocks.append(pck.counts(truth, correct))
    return dict(zip(rule.alphas, np.concatenate(blocks, axis=1), strict=True))
