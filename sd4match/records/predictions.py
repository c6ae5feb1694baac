"""Parquet files of predicted keypoints."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sd4match.matching.keypoints import decode, encode
from sd4match.matching.readout import Setting
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.parquet import (
    POSITIONS,
    damaged,
    read,
    setting_columns,
    settings_of,
    write,
)


def write_predictions(
    file: Path,
    settings: Sequence[Setting],
    positions: NDArray[np.floating],
    truth: GroundTruth,
    *,
    about: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> Path:
    """Write predicted keypoints. Equal predictions give equal bytes.

    Args:
        file: the file to write; it appears once it is complete.
        settings: S settings.
        positions: (S, K, 2) in original pixels, K rows as in ``truth``.
        truth: ground truth of the same pairs.
        about: further entries of the file's header, JSON values.
        address: as for `write`.

    Returns:
        The file: a block of K rows for each setting, each position as two uint16 in units of
        1/65535 of the target image's sides.
    """
    encoded = encode(positions, truth.sizes[truth.pair])
    table = pa.table(
        {
            **setting_columns(settings, positions.shape[1]),
            "x": encoded[..., 0].reshape(-1),
            "y": encoded[..., 1].reshape(-1),
        }
    )
    return write(table, file, settings, about=about, address=address)


def read_predictions(file: Path, truth: GroundTruth) -> NDArray[np.float32]:
    """Read the positions of a file of predictions.

    Returns:
        (S, K, 2) in original pixels, S in the order of `settings_of`.

    Raises:
        SD4MatchError: the file is damaged, or of other pairs than ``truth``.
    """
    table = read(file, POSITIONS)
    blocks = (len(settings_of(file)), len(truth.pair), 2)
    encoded = np.stack([table[name].to_numpy() for name in POSITIONS], axis=-1)
    if encoded.size != np.prod(blocks):
        raise damaged(file, f"{len(encoded)} rows, {blocks[0]} x {blocks[1]} expected")
    return decode(encoded.reshape(blocks), truth.sizes[truth.pair])
