"""What a benchmark's reader tells about its layout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sd4match.datasets.pairs import ImagePair


@dataclass(frozen=True)
class Benchmark:
    """One benchmark on disk.

    Attributes:
        name: its name in this package.
        folder: its folder in the data root.
        lists: the file with each split's pairs, relative to the folder.
        categories: its category names.
        sources: glob patterns of the folders whose files the pairs come from; ``{list}`` stands for
            the list file's stem.
        read: parse a split; takes the data set's folder and the list file.
    """

    name: str
    folder: str
    lists: Mapping[str, str]
    categories: tuple[str, ...]
    sources: tuple[str, ...]
    read: Callable[[Path, Path], list[ImagePair]]
