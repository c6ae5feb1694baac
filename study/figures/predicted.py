"""Predicted keypoints behind a cell, for figures that look at single pairs and other alphas."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sd4match import pck
from sd4match.errors import SD4MatchError
from study.answers import setting_of
from study.figures.measured import at
from study.records import settings_of

if TYPE_CHECKING:
    from sd4match.pck import GroundTruth
    from study.study import Study


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a configuration predicted on a split.

    Attributes:
        truth: of P pairs, K keypoints in all.
        pairs: a row a pair: ``id, category, source, target, …``.
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


def predicted(study: "Study", configuration: str, dataset: str, split: str) -> Predicted:
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
