"""Recorded predictions of a result, for figures of single pairs and for any alpha."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sd4match import pck
from sd4match.datasets.benchmarks import FOLDERS
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError
from sd4match.records.parquet import settings_of
from sd4match.records.truth import pairs_on_record
from study.analysis.measuring import setting_of
from study.analysis.results import Results
from study.figures.measured import at
from study.figures.page import Place

if TYPE_CHECKING:
    from sd4match.pck.ground_truth import GroundTruth


@dataclass(frozen=True, eq=False)
class Predicted:
    """The predictions of a configuration on a split.

    Attributes:
        truth: of P pairs, K keypoints in all.
        pairs: one row per pair: ``id, category, source, target, …``.
        positions: (K, 2) in original pixels of the targets.
        protocol: of PCK.
        image_size: side of the square that protocol ``sd4match`` measures in.
    """

    truth: "GroundTruth"
    pairs: pd.DataFrame
    positions: NDArray[np.float32]
    protocol: str
    image_size: int

    def correct(self, alpha: float) -> NDArray[np.bool_]:
        """(K,) which keypoints are found at a threshold."""
        return pck.correct(
            self.truth,
            self.positions,
            alpha=alpha,
            protocol=self.protocol,
            image_size=self.image_size,
        )

    def shares(self, alpha: float) -> NDArray[np.float64]:
        """(P,) each pair's PCK; NaN for pairs without a keypoint."""
        found = pck.counts(self.truth, self.correct(alpha))
        keypoints = self.truth.n_keypoints
        shares = np.full(len(keypoints), np.nan)
        np.divide(found, keypoints, out=shares, where=keypoints > 0)
        return shares


def predicted(study: Results, configuration: str, dataset: str, split: str) -> Predicted:
    """The predictions of a configuration on a split.

    Raises:
        SD4MatchError: they are not on record.
    """
    rows = at(study.index, dataset, split)
    store = study.folder.store
    for row in rows[rows["configuration"] == configuration].to_dict("records"):
        setting = setting_of(row)
        file = store.recorded(str(row["predict"])).get(setting)
        if file is None:
            break
        truth, pairs = store.read_truth(str(row["data"]))
        found = store.read_predictions(file, truth)[settings_of(file).index(setting)]
        return Predicted(truth, pairs, found, study.rule.protocol, int(row["image_size"]))
    raise SD4MatchError(
        f"no predictions of configuration {configuration} on {dataset} {split} are on record: "
        f"launch study {study.name}"
    )


def predicted_by_seed(
    study: Results, configuration: str, dataset: str, split: str
) -> dict[int, Predicted]:
    """The predictions of a configuration on a split under each of its measured seeds.

    Raises:
        SD4MatchError: they are not on record.
    """
    seeds = study.row(configuration, dataset, split, study.rule.usual_alpha)
    keys = study.seeds_of(configuration)
    return {seed: predicted(study, keys[seed], dataset, split) for seed in seeds}


def root_of(study: Results) -> Path:
    """The folder of the data sets that a study was launched on."""
    from omegaconf import OmegaConf

    space = OmegaConf.load(study.folder.path / "study.yaml")
    return Path(str(OmegaConf.select(space, "data.root"))).expanduser()


def present(study: Results, places: list[Place]) -> list[Place]:
    """The data sets and splits with a folder of images on this machine."""
    root = root_of(study)
    return [place for place in places if (root / FOLDERS[place[0]]).is_dir()]


def pairs_of(study: Results, dataset: str, split: str, rows: pd.DataFrame) -> list[ImagePair]:
    """Pairs with their images.

    Args:
        study: the study that recorded them.
        dataset, split: of the pairs.
        rows: of the table of pairs that the store keeps.

    Raises:
        SD4MatchError: the images are not on this machine, or differ from those that were matched.
    """
    root = root_of(study)
    if not (root / FOLDERS[dataset]).is_dir():
        raise SD4MatchError(
            f"{root}: the images of {dataset} are not on this machine: draw where study "
            f"{study.name} was launched, or put the data set there"
        )
    return pairs_on_record(root, dataset, split, rows)
