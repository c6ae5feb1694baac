"""Parquet files of scores, in the form that predictions have (`sd4match.records`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from sd4match.records import damaged, read, setting_columns, settings_of, write
from study.stages import Setting

__all__ = ["damaged", "read_scores", "settings_of", "write_scores"]


def write_scores(
    file: Path,
    settings: Sequence[Setting],
    counts: Mapping[float, np.ndarray],
    keypoints: np.ndarray,
) -> Path:
    """Write per-pair counts of correct keypoints.

    Args:
        file: where.
        settings: S free settings.
        counts: alpha to (S, P) counts.
        keypoints: (P,) keypoints of each pair.
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
    return write(table, file, settings)


def read_scores(file: Path, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """The counts that a score file holds at one alpha.

    Returns:
        (S, P) correct keypoints, S in the order of `settings_of` the file; (P,) keypoints.

    Raises:
        SD4MatchError: the file is damaged.
    """
    table = read(file, ["keypoints", f"correct@{alpha:g}"])
    blocks = (len(settings_of(file)), -1)
    keypoints, correct = (column.to_numpy().reshape(blocks) for column in table.columns)
    return correct, keypoints[0]
