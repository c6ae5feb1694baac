"""Facts about each benchmark, and category names.

Category names are compared in full: "car" is not a part of "car(G)".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sd4match.datasets.pairs import ImagePair


@dataclass(frozen=True)
class Benchmark:
    """A benchmark on disk. A new data set is a `Benchmark` in ``benchmarks.BENCHMARKS``.

    Attributes:
        name: its name in this package.
        folder: its folder in the data root.
        lists: split -> file with its pairs, relative to the folder. `verify` reads ``.csv`` and
            ``.txt`` lists line by line, other lists at once.
        categories: its category names.
        sources: glob patterns of the folders whose files the pairs come from; ``{list}`` stands for
            the list file's stem. A change in them makes the index stale.
        read: parses a split; takes the data set's folder and the list file.
        published: (pairs, images) of each split, for planning without the data set and for
            verifying it.
        reference: the length that alpha multiplies, one of `sd4match.pck.protocols.REFERENCES`
            (docs/explanation/method.md section 3).
        trained_on: the benchmark whose training pairs its learned prompts come from: itself, or
            another one if it has no training split (docs/explanation/method.md section 1).
        paper_steps: optimizer steps that the paper trains on it; None if the paper does not.
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
    paper_steps: int | None = None


MANIFEST = "shapes.json"
"""The file in a data root that marks the generated benchmark and holds its counts."""

PF_PASCAL = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
"""The 20 PASCAL VOC classes in their order: class 1 of PF-Pascal's lists is the first."""

SPAIR = tuple(name for name in PF_PASCAL if name not in ("diningtable", "sofa"))
"""SPair-71k's 18 categories."""

PF_WILLOW = (
    "car(G)", "car(M)", "car(S)", "duck(S)", "motorbike(G)", "motorbike(M)", "motorbike(S)",
    "winebottle(M)", "winebottle(wC)", "winebottle(woC)",
)  # fmt: skip
"""PF-Willow's 10 sub-classes of 4 objects."""


def object_name(category: str) -> str:
    """Return the object of a category as a text prompt names it.

    docs/explanation/method.md section 1.

    Args:
        category: a category of any of the benchmarks.

    Returns:
        The category without PF-Willow's sub-class: ``"car(G)"`` gives ``"car"``.
    """
    return category.partition("(")[0]


def class_alias(category: str) -> str:
    """Return the PASCAL VOC class whose learned prompt serves a category.

    docs/explanation/method.md section 2.

    Args:
        category: a category of any of the benchmarks.

    Returns:
        The object's name, or ``"bottle"`` for wine bottles; ``"duck(S)"`` gives ``"duck"``, which
        is no VOC class.
    """
    name = object_name(category)
    return "bottle" if name == "winebottle" else name
