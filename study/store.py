"""The store: every measurement, in Parquet and safetensors files under their content addresses.

Layout, below the store's folder (``results/store`` by default, shared by all studies there)::

    latents/<folder>/…              VAE moments, one file an image (`sd4match.features`)
    contents/<folder>/…             image encoders' outputs, one file an image
    latents/<stage key>.json        the images of a finished latents stage
    tune/<stage key>/               prompt.safetensors, curves.parquet
    predict/<stage key>/<grid>.parquet   predicted keypoints of some free settings
    score/<stage key>/<grid>-<rule>.parquet   per-pair counts of correct keypoints
    truth/<data fingerprint>.parquet, <…>-pairs.parquet     ground truth, once a data set and split

Files appear by atomic rename and never change, so any number of processes may read and write.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sd4match.datasets import ATTRIBUTES, PairSet, content_hash
from sd4match.errors import SD4MatchError
from sd4match.keypoints import decode, encode
from sd4match.pck import GroundTruth
from study.keys import key_of
from study.records import read, setting_columns, setting_json, settings_of, write
from study.stages import SCORE_VERSION, Setting


class Store:
    """Reads and writes measurements.

    Args:
        folder: where they live; made when missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().resolve()

    # Latents and prompts -------------------------------------------------------------------------

    @cached_property
    def latents(self) -> Path:
        """Folder of the VAE moments."""
        return self.folder / "latents"

    @cached_property
    def contents(self) -> Path:
        """Folder of what image encoders see."""
        return self.folder / "contents"

    def latents_mark(self, key: str) -> Path:
        """File that says that a latents stage is complete."""
        return self.latents / f"{key}.json"

    def prompt(self, key: str) -> Path:
        """The prompt file of a tune stage; it exists when the stage is done."""
        return self.folder / "tune" / key / "prompt.safetensors"

    def checkpoint(self, key: str) -> Path:
        """Where a running tune stage keeps what it needs to go on."""
        return self.folder / "tune" / key / "checkpoint.pt"

    def curves(self, key: str) -> Path:
        """Loss and validation PCK of a tune stage by epoch, Parquet."""
        return self.folder / "tune" / key / "curves.parquet"

    # Predictions ---------------------------------------------------------------------------------

    def recorded(self, key: str) -> dict[Setting, Path]:
        """The free settings on record under a predict stage, and the file that holds each."""
        found: dict[Setting, Path] = {}
        for file in sorted((self.folder / "predict" / key).glob("[0-9a-f]*.parquet")):
            for setting in settings_of(file):
                found.setdefault(setting, file)
        return found

    def write_predictions(
        self, key: str, settings: Sequence[Setting], positions: np.ndarray, truth: GroundTruth
    ) -> Path:
        """Record predicted keypoints.

        Args:
            key: of the predict stage.
            settings: S free settings.
            positions: (S, K, 2) in original pixels, K rows as in ``truth``.
            truth: the split's ground truth.

        Returns:
            The file: a block of K rows a setting, each position as two uint16 in units of 1/65535
            of the target image's sides.
        """
        encoded = encode(positions, truth.sizes[truth.pair])
        rows = positions.shape[1]
        table = pa.table(
            {
                **setting_columns(settings, rows),
                "x": encoded[..., 0].reshape(-1),
                "y": encoded[..., 1].reshape(-1),
            }
        )
        grid = key_of({"settings": [setting_json(setting) for setting in settings]})
        return write(table, self.folder / "predict" / key / f"{grid}.parquet", settings)

    def read_predictions(self, file: Path, truth: GroundTruth) -> np.ndarray:
        """The positions that a prediction file holds.

        Returns:
            (S, K, 2) float32 in original pixels, S in the order of `settings_of` the file.

        Raises:
            SD4MatchError: the file is damaged.
        """
        table = read(file, ["x", "y"])
        encoded = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=-1)
        blocks = encoded.reshape(len(settings_of(file)), len(truth.pair), 2)
        return decode(blocks, truth.sizes[truth.pair])

    # Scores --------------------------------------------------------------------------------------

    def score_file(self, key: str, predictions: Path, rule: Mapping[str, Any]) -> Path:
        """Where the scores of a prediction file under one rule stand."""
        name = f"{predictions.stem}-{key_of({'version': SCORE_VERSION, **rule})}.parquet"
        return self.folder / "score" / key / name

    def write_scores(
        self,
        file: Path,
        settings: Sequence[Setting],
        counts: Mapping[float, np.ndarray],
        keypoints: np.ndarray,
    ) -> Path:
        """Record per-pair counts of correct keypoints.

        Args:
            file: from `score_file`.
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

    def read_scores(self, file: Path, alpha: float) -> tuple[np.ndarray, np.ndarray]:
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

    # Ground truth --------------------------------------------------------------------------------

    def write_truth(self, pairs: PairSet) -> None:
        """Record a split's ground truth, once."""
        keypoints, info = self._truth_files(pairs.fingerprint)
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
            write(pa.Table.from_pylist([_pair_row(pair) for pair in pairs]), info)

    def read_truth(self, fingerprint: str) -> tuple[GroundTruth, pd.DataFrame]:
        """A split's ground truth and its pairs (one row each: id, category, image contents, …).

        Raises:
            SD4MatchError: it was never recorded, or the files are damaged.
        """
        keypoints, info = self._truth_files(fingerprint)
        if not (keypoints.exists() and info.exists()):
            raise SD4MatchError(
                f"store {self.folder}: no ground truth {fingerprint[:12]}: launch the study again"
            )
        table, pairs = read(keypoints), read(info).to_pandas()
        truth = GroundTruth(
            dataset=str(pairs["dataset"].iloc[0]),
            pair=table["pair"].to_numpy(),
            keypoints=np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=-1),
            sizes=pairs[["target_width", "target_height"]].to_numpy(np.float32),
            boxes=pairs[["x1", "y1", "x2", "y2"]].to_numpy(np.float32),
        )
        return truth, pairs

    def _truth_files(self, fingerprint: str) -> tuple[Path, Path]:
        folder = self.folder / "truth"
        return folder / f"{fingerprint[:20]}.parquet", folder / f"{fingerprint[:20]}-pairs.parquet"


def _pair_row(pair: Any) -> dict[str, Any]:
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
