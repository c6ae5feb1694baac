"""Parquet files of scores, in the form that predictions have (`sd4match.records`)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sd4match.readouts import Readout
from sd4match.records import damaged, header, read, setting_columns, settings_of, write
from study.stages import Setting

__all__ = ["Averages", "damaged", "read_averages", "read_scores", "settings_of", "write_scores"]


@dataclass(frozen=True)
class Averages:
    """What tables need of a score file; it is in the header, so that no pair has to be read.

    Attributes:
        pairs: how many count, because they have a keypoint.
        keypoints: how many these have.
        pck: alpha as text to the mean over pairs of each pair's PCK, one a setting; empty lists
            where no pair counts.
        point: likewise, the share of all keypoints.
    """

    pairs: int
    keypoints: int
    pck: Mapping[str, Sequence[float]]
    point: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, counts: Mapping[float, np.ndarray], keypoints: np.ndarray) -> "Averages":
        """The averages of (S, P) counts of correct keypoints by alpha, of (P,) keypoints."""
        there = keypoints > 0
        total = int(keypoints.sum())
        pck: dict[str, list[float]] = {f"{alpha:g}": [] for alpha in counts}
        point: dict[str, list[float]] = {f"{alpha:g}": [] for alpha in counts}
        for alpha, correct in counts.items() if total else ():
            shares = np.ascontiguousarray(correct[:, there] / keypoints[there])
            pck[f"{alpha:g}"] = shares.mean(axis=1).tolist()
            point[f"{alpha:g}"] = (correct.sum(axis=1) / total).tolist()
        return cls(int(there.sum()), total, pck, point)


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
        file: where.
        settings: S free settings.
        counts: alpha to (S, P) counts.
        keypoints: (P,) keypoints of each pair.
        address: as of `sd4match.records.write`.
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


def read_averages(file: Path) -> tuple[list[Setting], Averages]:
    """The settings of a score file and their averages, from its header alone.

    Raises:
        SD4MatchError: the file is damaged.
    """
    settings, about = header(file, "settings", "about")
    try:
        averages = Averages(**about)
    except TypeError as error:
        raise damaged(file, error) from None
    return [(layer, Readout(*readout)) for layer, *readout in settings], averages
