"""The three benchmarks of semantic correspondence, read from their genuine on-disk layouts.

    pairs = datasets.load("spair", "data", "test", category="cat")
    image = datasets.load_image(pairs[0], "source")

Needs no torch.
"""

from sd4match.datasets.benchmarks import BENCHMARKS, CATEGORIES, FOLDERS, NAMES, SPLITS, load
from sd4match.datasets.categories import class_alias, object_name
from sd4match.datasets.content import content_hash
from sd4match.datasets.images import load_image
from sd4match.datasets.pair_set import PairSet
from sd4match.datasets.pairs import ATTRIBUTES, ImagePair, Side

__all__ = [
    "ATTRIBUTES",
    "BENCHMARKS",
    "CATEGORIES",
    "FOLDERS",
    "NAMES",
    "SPLITS",
    "ImagePair",
    "PairSet",
    "Side",
    "class_alias",
    "content_hash",
    "load",
    "load_image",
    "object_name",
]
