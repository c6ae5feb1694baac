"""An image pair with its common keypoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Side = Literal["source", "target"]
"""One of a pair's two images."""

ATTRIBUTES = ("viewpoint", "scale", "truncation", "occlusion")
"""SPair-71k's grades of difficulty: the keys of ``ImagePair.attributes``."""


@dataclass(frozen=True, eq=False, slots=True)
class ImagePair:
    """Two images of one category and the keypoints that both show.

    Coordinates are (x, y) in original pixels and may lie outside the image. With ``flip``, both
    images must be mirrored; keypoints and boxes are in the mirrored frame.

    Attributes:
        dataset: name of the data set, such as ``"spair"``.
        id: unique within a split, and independent of the place of the data set.
        category: the benchmark's own name (PF-Willow: the sub-class).
        source_id, target_id: the images' POSIX paths relative to the data set's folder.
        source_path, target_path: where the image files are.
        flip: whether the pair is the mirrored one.
        source_keypoints, target_keypoints: (N, 2) float32; N = 0 if they have none in common.
        keypoint_ids: (N,) int32, which part of the object each keypoint is.
        source_size, target_size: (width, height).
        source_box, target_box: (4,) float32 x1, y1, x2, y2, or None if the data set has none.
        attributes: the known ones of ``ATTRIBUTES``.
    """

    dataset: str
    id: str
    category: str
    source_id: str
    target_id: str
    source_path: Path
    target_path: Path
    flip: bool
    source_keypoints: NDArray[np.float32]
    target_keypoints: NDArray[np.float32]
    keypoint_ids: NDArray[np.int32]
    source_size: tuple[int, int]
    target_size: tuple[int, int]
    source_box: NDArray[np.float32] | None
    target_box: NDArray[np.float32] | None
    attributes: Mapping[str, int]


def mirror_points(points: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mirror (N, 2) points left to right in an image of that width: x becomes width - x."""
    return points * (-1.0, 1.0) + (width, 0.0)


def mirror_box(box: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Mirror an (x1, y1, x2, y2) box left to right, so that x1 stays the left side."""
    x1, y1, x2, y2 = box
    return np.array([width - x2, y1, width - x1, y2])
