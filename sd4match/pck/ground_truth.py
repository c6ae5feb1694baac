"""Ground truth of a set of pairs, as arrays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The target keypoints of a set of pairs, one row per keypoint.

    Attributes:
        dataset: name of the data set.
        pair: (K,) int32, the pair each keypoint belongs to, ascending.
        keypoints: (K, 2) float32, target positions in original pixels.
        sizes: (P, 2) float32, each pair's target image (width, height).
        boxes: (P, 4) float32, target boxes x1, y1, x2, y2; NaN if there is none.
    """

    dataset: str
    pair: NDArray[np.int32]
    keypoints: NDArray[np.float32]
    sizes: NDArray[np.float32]
    boxes: NDArray[np.float32]

    @classmethod
    def of(cls, pairs: Sequence[ImagePair]) -> "GroundTruth":
        """Collect the ground truth of pairs of one data set, in their order.

        Raises:
            SD4MatchError: no pair, or pairs of several data sets.
        """
        pairs = list(pairs)  # a PairSet would build each pair again in every pass below
        names = sorted({pair.dataset for pair in pairs})
        if len(names) != 1:
            raise SD4MatchError(f"expected pairs of one data set to score, got {names or 'none'}")
        counts = [len(pair.target_keypoints) for pair in pairs]
        none = (math.nan,) * 4
        return cls(
            dataset=names[0],
            pair=np.repeat(np.arange(len(pairs), dtype=np.int32), counts),
            keypoints=np.concatenate(
                [np.reshape(pair.target_keypoints, (-1, 2)) for pair in pairs]
            ).astype(np.float32),
            sizes=np.array([pair.target_size for pair in pairs], dtype=np.float32),
            boxes=np.array(
                [none if pair.target_box is None else pair.target_box for pair in pairs],
                dtype=np.float32,
            ),
        )

    @property
    def n_pairs(self) -> int:
        """Number of pairs, including those without keypoints."""
        return len(self.sizes)

    @property
    def n_keypoints(self) -> NDArray[np.int64]:
        """(P,) number of keypoints of each pair, possibly 0."""
        return np.bincount(self.pair, minlength=self.n_pairs)

    def ranges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs with keypoints, and the first row of each (for reduceat)."""
        n_keypoints = self.n_keypoints
        pairs = np.flatnonzero(n_keypoints)
        return pairs, (np.cumsum(n_keypoints) - n_keypoints)[pairs]

    def subset(self, kept: NDArray[np.bool_]) -> "GroundTruth":
        """The ground truth of the pairs in a (P,) mask; its rows are ``kept[self.pair]``."""
        rows = kept[self.pair]
        place = (np.cumsum(kept) - 1).astype(np.int32)
        return GroundTruth(
            dataset=self.dataset,
            pair=place[self.pair[rows]],
            keypoints=self.keypoints[rows],
            sizes=self.sizes[kept],
            boxes=self.boxes[kept],
        )
