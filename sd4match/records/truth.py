"""Parquet files of ground truth, one for each data set and split."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sd4match.datasets.benchmarks import load
from sd4match.datasets.image_hashes import content_hash
from sd4match.datasets.pair_set import PairSet
from sd4match.datasets.pairs import ATTRIBUTES, ImagePair
from sd4match.errors import SD4MatchError
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records.parquet import read, write


def write_truth(folder: Path, pairs: PairSet) -> None:
    """Write the ground truth of a split, unless it exists.

    Args:
        folder: gets ``<fingerprint>.parquet``, one row per keypoint, and ``<…>-pairs.parquet``.
        pairs: pairs of one data set.
    """
    keypoints, info = truth_files(folder, pairs.fingerprint)
    if not keypoints.exists():
        truth = GroundTruth.of(pairs)
        ids = np.concatenate([[], *(pair.keypoint_ids for pair in pairs)]).astype(np.int32)
        table = pa.table(
            {
                "pair": truth.pair.astype(np.int32),
                "keypoint": ids,
                "x": truth.keypoints[:, 0],
                "y": truth.keypoints[:, 1],
            }
        )
        write(table, keypoints)
    if not info.exists():
        write(pa.Table.from_pylist([_row(pair) for pair in pairs]), info)


def read_truth(folder: Path, fingerprint: str) -> tuple[GroundTruth, pd.DataFrame]:
    """Read the ground truth of a split and its pairs (one row each: id, category, contents, …).

    Args:
        folder: as for `write_truth`.
        fingerprint: fingerprint of the pairs.

    Raises:
        SD4MatchError: it was never written, or the files are damaged.
    """
    keypoints, info = truth_files(folder, fingerprint)
    if not (keypoints.exists() and info.exists()):
        raise SD4MatchError(
            f"{folder}: no ground truth {fingerprint[:12]}: predict, or launch the study, again"
        )
    table, pairs = read(keypoints, ["pair", "x", "y"]), read(info).to_pandas()
    truth = GroundTruth(
        dataset=str(pairs["dataset"].iloc[0]),
        pair=table["pair"].to_numpy(),
        keypoints=np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=-1),
        sizes=pairs[["target_width", "target_height"]].to_numpy(np.float32),
        boxes=pairs[["x1", "y1", "x2", "y2"]].to_numpy(np.float32),
    )
    return truth, pairs


def pairs_on_record(
    root: str | Path, dataset: str, split: str, rows: pd.DataFrame
) -> list[ImagePair]:
    """Open the pairs of records, and check that the images on disk are unchanged.

    Args:
        root, dataset, split: as for `datasets.load`.
        rows: rows of the table that `read_truth` returns.

    Returns:
        The pairs, in the order of ``rows``.

    Raises:
        SD4MatchError: the data set is missing, or its images differ from those of the records.
    """
    wanted = dict(zip(map(str, rows["id"]), map(str, rows["target"]), strict=True))
    found = {pair.id: pair for pair in load(dataset, root, split) if pair.id in wanted}
    for id_, content in wanted.items():
        pair = found.get(id_)
        if pair is None or not content_hash(pair.target_path).startswith(content):
            raise SD4MatchError(
                f"{root} holds another {dataset} than the one of these predictions (pair {id_}): "
                "give the --data that they were made from"
            )
    return [found[id_] for id_ in wanted]


def truth_files(folder: Path, fingerprint: str) -> tuple[Path, Path]:
    """Return the two files of a set of pairs: its keypoints, and its pairs."""
    return folder / f"{fingerprint[:20]}.parquet", folder / f"{fingerprint[:20]}-pairs.parquet"


def _row(pair: ImagePair) -> dict[str, Any]:
    box = [None] * 4 if pair.target_box is None else [float(side) for side in pair.target_box]
    return {
        "dataset": pair.dataset,
        "id": pair.id,
        "category": pair.category,
        "source": content_hash(pair.source_path)[:20],
        "target": content_hash(pair.target_path)[:20],
        "keypoints": len(pair.keypoint_ids),
        "target_width": pair.target_size[0],
        "target_height": pair.target_size[1],
        **dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
        **{name: pair.attributes.get(name) for name in ATTRIBUTES},
    }
