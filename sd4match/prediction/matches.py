"""Matching the keypoints of one pair on its two feature maps, from and to original pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sd4match.datasets.pairs import ImagePair
from sd4match.matching.dense import match_dense
from sd4match.matching.keypoints import (
    cells_to_original,
    pixels_to_centered_cells,
    square_to_cells,
    to_square,
)
from sd4match.matching.localization import match_many
from sd4match.matching.readout import DENSE, Readout


class Found(NamedTuple):
    """Matches of a pair, still on the device.

    Attributes:
        positions: (R, N, 2) target cells of a corner-aligned map; pixels if ``hw`` is None.
        hw: (h, w) of that map.
    """

    positions: Tensor
    hw: tuple[int, int] | None

    def in_pixels(
        self, positions: NDArray[np.float32], pair: ImagePair, image_size: int
    ) -> NDArray[np.floating]:
        """Convert the positions to pixels.

        Args:
            positions: those of this value, on the CPU.
            pair: the pair that was matched.
            image_size: side of the square that the model sees, pixels.

        Returns:
            (R, N, 2) in original pixels of the target.
        """
        if self.hw is None:
            return positions
        return cells_to_original(positions, pair.target_size, image_size, self.hw)


def find(
    pair: ImagePair,
    source: Tensor,
    target: Tensor,
    readouts: Sequence[Readout],
    *,
    image_size: int,
) -> Found:
    """Find the source keypoints of a pair in its target.

    "dense" matches between the pixels of the two original images, as DIFT does; the others match
    on the square that the model sees (docs/explanation/method.md sections 3 and 9).

    Args:
        pair: gives the keypoints and the sizes of both images.
        source, target: (C, h, w) features.
        readouts: R readouts, all of them "dense" or none.
        image_size: side of the square, pixels.

    Returns:
        The matches, on the device of the maps.
    """
    hw = source.shape[1], source.shape[2]
    dense = readouts[0].localizer == DENSE
    if dense:
        cells = pixels_to_centered_cells(pair.source_keypoints, pair.source_size, hw)
    else:
        square = to_square(pair.source_keypoints, pair.source_size, image_size)
        cells = square_to_cells(square, image_size, hw)
    queries = torch.tensor(cells, dtype=torch.float32)[None]
    queries = queries.to(source.device, non_blocking=True)
    maps = source[None], target[None], queries
    if not dense:
        return Found(match_many(*maps, readouts)[:, 0], (target.shape[1], target.shape[2]))
    size = pair.target_size[::-1]
    each = [match_dense(*maps, size=size, l2_normalize=r.l2_normalize)[0] for r in readouts]
    return Found(torch.stack(each), None)
