"""Keypoints between original pixels, the model's square and feature cells (METHOD.md section 3)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MARGIN = 1e-4


def to_square(keypoints: ArrayLike, size: tuple[int, int], side: int) -> NDArray[np.float64]:
    """Scale keypoints with their image to a square, and move those outside to its border.

    Args:
        keypoints: (..., 2) in original pixels.
        size: (width, height) of the original image.
        side: S of the square, pixels.

    Returns:
        (..., 2) in the square's pixels, within [1e-4, S - 1 - 1e-4].
    """
    scaled = np.asarray(keypoints, dtype=np.float64) * side / np.asarray(size)
    return np.clip(scaled, _MARGIN, side - 1 - _MARGIN)


def square_to_cells(
    keypoints: NDArray[np.float64], side: int, hw: tuple[int, int]
) -> NDArray[np.float64]:
    """Turn a square's pixels into cells of a corner-aligned (h, w) feature map."""
    h, w = hw
    return keypoints * ((w - 1) / (side - 1), (h - 1) / (side - 1))


def cells_to_original(
    cells: ArrayLike, size: tuple[int, int], side: int, hw: tuple[int, int]
) -> NDArray[np.float64]:
    """Turn cells of an (h, w) feature map into original pixels.

    The map and the square are corner-aligned; the square and the original are not.

    Args:
        cells: (..., 2).
        size: (width, height) of the original image.
        side: S of the square, pixels.
        hw: of the feature map.

    Returns:
        (..., 2) in original pixels.
    """
    h, w = hw
    cell = (side - 1) / max(w - 1, 1), (side - 1) / max(h - 1, 1)
    square = np.asarray(cells, dtype=np.float64) * cell
    return square * np.asarray(size) / side
