"""Scores: per-pair counts of correct keypoints, made from recorded predictions, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from sd4match import pck
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Setting
from sd4match.records.parquet import (
    damaged,
    header,
    read,
    setting_columns,
    setting_of,
    settings_in,
    settings_of,
    write,
)
from study.space.metric import Rule
from study.store.retry import patiently
from study.store.store import Store

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


def score(store: Store, record: Record, settings: Sequence[Setting], rule: Rule) -> list[Path]:
    """The score files of some settings of a predict stage; missing ones are made.

    Args:
        store: where predictions and ground truth are.
        record: which predictions.
        settings: recorded readout settings.
        rule: how to score.

    Returns:
        The files, in the order of first use.

    Raises:
        SD4MatchError: a setting or the ground truth is not recorded.
    """
    recorded = store.recorded(record.key)
    if absent := [setting for setting in settings if setting not in recorded]:
        raise SD4MatchError(
            f"store {store.folder}: no predictions {record.key} of layer {absent[0][0]}, "
            f"{absent[0][1]}: launch the study again"
        )
    files = dict.fromkeys(recorded[setting] for setting in settings)
    return [scored(store, record, predictions, rule) for predictions in files]


def scored(store: Store, record: Record, predictions: Path, rule: Rule) -> Path:
    """The score file of a file of predictions, computed where it is missing.

    Args:
        store, record, rule: as for `score`.
        predictions: a file of the record.

    Raises:
        SD4MatchError: the ground truth is not recorded, or a file is damaged.
    """
    file = store.score_file(record.key, predictions, rule.address(record.image_size))
    if not file.exists():
        truth, _ = truth_of(store.folder, record.data)
        positions = store.read_predictions(predictions, truth)
        counts = count_correct(truth, positions, rule, image_size=record.image_size)
        write_scores(
            file,
            settings_of(predictions),
            counts,
            truth.n_keypoints,
            address=store.address(file),
        )
    return file


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
    """Count the correct keypoints of each pair.

    Args:
        truth: of the split.
        positions: (S, K, 2) predictions in original pixels.
        rule: how to score.
        image_size: side S of the square that protocol ``sd4match`` measures in, pixels.

    Returns:
        alpha -> (S, P) counts.
    """
    # A few settings at a time fit into the processor's cache, which is many times faster.
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


@dataclass(frozen=True)
class Averages:
    """The averages in the header of a score file: tables need not read pairs.

    Attributes:
        pairs: how many pairs have a keypoint; only these count.
        keypoints: how many keypoints they have.
        pck: alpha as text -> mean over pairs of each pair's PCK, one for each setting; empty lists
            if no pair counts.
        point: the same for the share of all keypoints.
    """

    pairs: int
    keypoints: int
    pck: Mapping[str, Sequence[float]]
    point: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, counts: Mapping[float, np.ndarray], keypoints: np.ndarray) -> "Averages":
        """Average counts.

        Args:
            counts: alpha -> (S, P) correct keypoints.
            keypoints: (P,) keypoints of each pair.
        """
        counted = keypoints > 0
        total = int(keypoints.sum())
        pck: dict[str, list[float]] = {f"{alpha:g}": [] for alpha in counts}
        point: dict[str, list[float]] = {f"{alpha:g}": [] for alpha in counts}
        for alpha, correct in counts.items() if total else ():
            shares = np.ascontiguousarray(correct[:, counted] / keypoints[counted])
            pck[f"{alpha:g}"] = shares.mean(axis=1).tolist()
            point[f"{alpha:g}"] = (correct.sum(axis=1) / total).tolist()
        return cls(int(counted.sum()), total, pck, point)


@patiently
def write_scores(
    file: Path,
    settings: Sequence[Setting],
    counts: Mapping[float, np.ndarray],
    keypoints: np.ndarray,
    *,
    address: str | None = None,
) -> Path:
    """Write per-pair counts of correct keypoints, and their averages in the header.

    Args:
        file: its path.
        settings: S readout settings.
        counts: alpha -> (S, P) counts.
        keypoints: (P,) keypoints of each pair.
        address: see `sd4match.records.write`.

    Returns:
        The file.
    """
    pairs = len(keypoints)
    table = pa.table(
        {
            **setting_columns(settings, pairs),
            "pair": np.tile(np.arange(pairs, dtype=np.int32), len(settings)),
            "keypoints": np.tile(keypoints.astype(np.uint16), len(settings)),
            **{
                f"correct@{alpha:g}": count.astype(np.uint16).reshape(-1)
                for alpha, count in counts.items()
            },
        }
    )
    averages = asdict(Averages.of(counts, keypoints))
    return write(table, file, settings, about=averages, address=address)


def read_scores(file: Path, alpha: float) -> tuple[list[Setting], np.ndarray, np.ndarray]:
    """The counts in a score file.

    Args:
        file: a score file.
        alpha: one of its alphas.

    Returns:
        S settings; (S, P) correct keypoints; (P,) keypoints.

    Raises:
        SD4MatchError: the file is damaged.
    """
    table = read(file, ["keypoints", f"correct@{alpha:g}"])
    settings = settings_in(file, table)
    blocks = (len(settings), -1)
    keypoints, correct = (column.to_numpy().reshape(blocks) for column in table.columns)
    return settings, correct, keypoints[0]


def read_averages(file: Path) -> tuple[list[Setting], Averages]:
    """The settings of a score file and their averages, from its header.

    Args:
        file: a score file.

    Raises:
        SD4MatchError: the file is damaged.
    """
    settings, about = header(file, "settings", "about")
    try:
        averages = Averages(**about)
    except TypeError as error:
        raise damaged(file, error) from None
    return [setting_of(setting) for setting in settings], averages
