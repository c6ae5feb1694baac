"""Everything that the packages know of one benchmark: a new data set is one of these."""

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
        published: (pairs, images) of each split, for planning where the data set is not at hand
            and for verifying it where it is.
        reference: the length that alpha multiplies, one of `sd4match.protocols.REFERENCES`
            (METHOD.md section 3).
        trained_on: the benchmark whose training pairs its learned prompts come from: itself, or
            another for one without a training split (METHOD.md section 1).
    """

    name: str
    folder: str
    lists: Mapping[str, str]
    categories: tuple[str, ...]
    sources: tuple[str, ...]
    read: Callable[[Path, Path], list[ImagePair]]
    published: Mapping[str, tuple[int, int]]
    reference: str
    trained_on: str
