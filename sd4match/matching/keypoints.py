"""Keypoint coordinates: original pixels, the model's square, cells of a map, and files.

docs/explanation/method.md section 3.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
_MARGIN = 1e-4
_STEPS = 65535  # units of a stored position per side of the image


def to_square(keypoints: NDArray[np.floating], size: ArrayLike, side: int) -> Points:
    """Scale keypoints with their image to a square, and move those outside to its border.

    Args:
        keypoints: (..., 2) in original pixels.
        size: (2,) width and height of the original image, or (..., 2) for each keypoint.
        side: S of the square, pixels.

    Returns:
        (..., 2) in the square's pixels, within [1e-4, S - 1 - 1e-4].
    """
    scaled = keypoints.astype(np.float64) * side / np.asarray(size, dtype=np.float64)
    return np.asarray(scaled.clip(_MARGIN, side - 1 - _MARGIN))


def square_to_cells(square: Points, side: int, hw: tuple[int, int]) -> Points:
    """Convert pixels of a square of that side to cells of a corner-aligned (h, w) feature map."""
    h, w = hw
    return square * (np.array([w - 1, h - 1]) / (side - 1))


def pixels_to_centered_cells(
    keypoints: NDArray[np.floating], size: tuple[int, int], hw: tuple[int, int]
) -> Points:
    """Convert original pixels to cells of a map with half-pixel centers, for dense matching.

    Args:
        keypoints: (..., 2) in original pixels.
        size: (width, height) of the original image.
        hw: (h, w) of the feature map.

    Returns:
        (..., 2) cells: pixel x of width W lies at (x + 0.5)·w/W - 0.5.
    """
    h, w = hw
    cells: Points = (keypoints.astype(np.float64) + 0.5) * (np.array([w, h]) / size) - 0.5
    return cells


def cells_to_original(
    cells: NDArray[np.floating], size: tuple[int, int], side: int, hw: tuple[int, int]
) -> Points:
    """Convert cells of a feature map to original pixels.

    The map and the square are corner-aligned; the square and the original are not.

    Args:
        cells: (..., 2) positions in cells.
        size: (width, height) of the original image.
        side: S of the square, pixels.
        hw: (h, w) of the feature map.

    Returns:
        (..., 2) in original pixels.
    """
    h, w = hw
    square = cells.astype(np.float64) * ((side - 1) / np.maximum([w - 1, h - 1], 1))
    original: Points = square * np.array(size) / side
    return original


def encode(positions: NDArray[np.floating], sizes: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Store positions as fractions of the image: two 16-bit numbers, 1/65535 of a side apart.

    Args:
        positions: (..., K, 2) in original pixels; those outside the image move to its border.
        sizes: (K, 2) width and height of the target images, pixels.

    Returns:
        (..., K, 2); an image 1,000 pixels wide keeps a resolution of 0.015 pixels.
    """
    steps: NDArray[np.float64] = positions.astype(np.float64) / sizes * _STEPS
    return steps.round().clip(0, _STEPS).astype(np.uint16)


def decode(encoded: NDArray[np.uint16], sizes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Convert stored positions back, the inverse of ``encode``.

    Args:
        encoded: (..., K, 2) stored positions.
        sizes: (K, 2) width and height of the target images, pixels.

    Returns:
        (..., K, 2) in original pixels.
    """
    return (encoded * (sizes / _STEPS)).astype(np.float32)
