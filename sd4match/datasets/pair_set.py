"""A sequence of image pairs with a fingerprint of its content."""

import operator
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.image_hashes import content_hashes
from sd4match.datasets.pair_arrays import Columns
from sd4match.datasets.pairs import ImagePair


class PairSet(Sequence[ImagePair]):
    """Pairs of one split of a data set, each built on access.

    Attributes:
        dataset: the data set's name.
        split: the name of the split.
    """

    def __init__(
        self, columns: Columns, rows: NDArray[np.int64], *, dataset: str, split: str, folder: Path
    ) -> None:
        """Take (R,) rows of a split's columns. Users call ``datasets.load``."""
        self.dataset = dataset
        self.split = split
        self._columns = columns
        self._rows = rows
        self._folder = folder

    def __len__(self) -> int:
        """The number of pairs, those without keypoints included."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> ImagePair: ...
    @overload
    def __getitem__(self, index: slice) -> "PairSet": ...
    def __getitem__(self, index: int | slice) -> "ImagePair | PairSet":
        """One pair, or the subset of a slice."""
        if isinstance(index, slice):
            return self._picked(self._rows[index])
        row = int(self._rows[operator.index(index)])
        return self._columns.pair(row, dataset=self.dataset, folder=self._folder)

    def __repr__(self) -> str:
        """The data set, the split and the number of pairs."""
        return f"<{len(self)} pairs of {self.dataset}/{self.split}>"

    def subset(self, indices: Iterable[int]) -> "PairSet":
        """Select pairs.

        Args:
            indices: positions in this set, in the desired order.

        Returns:
            Those pairs, with a fingerprint of their own.

        Raises:
            IndexError: a position is out of range.
        """
        positions = np.array([operator.index(i) for i in indices], dtype=np.int64)
        return self._picked(self._rows[positions])

    def of_category(self, category: str) -> "PairSet":
        """The pairs of one category, in order; possibly none."""
        names = np.array(self._columns.categories)[self._columns.category[self._rows]]
        return self._picked(self._rows[names == category])

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of the pairs, sorted."""
        used = np.unique(self._columns.category[self._rows])
        return tuple(sorted(self._columns.categories[i] for i in used))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all fields of the pairs and of their images' bytes, as 64 hex digits.

        It depends neither on the place of the data set nor on how the pairs were selected. The
        first call reads every image of the pairs; their hashes are kept with the index.

        Raises:
            SD4MatchError: an image is missing or cannot be read.
        """
        used = np.unique([self._columns.source[self._rows], self._columns.target[self._rows]])
        contents = content_hashes(self._folder, [self._columns.images[i] for i in used])
        return self._columns.digest(self._rows, dataset=self.dataset, contents=contents)

    def _picked(self, rows: NDArray[np.int64]) -> "PairSet":
        return PairSet(
            self._columns, rows, dataset=self.dataset, split=self.split, folder=self._folder
        )
