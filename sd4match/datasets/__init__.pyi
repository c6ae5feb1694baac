from .benchmark import MANIFEST as MANIFEST
from .benchmark import Benchmark as Benchmark
from .benchmark import class_alias as class_alias
from .benchmark import object_name as object_name
from .benchmarks import BENCHMARKS as BENCHMARKS
from .benchmarks import CATEGORIES as CATEGORIES
from .benchmarks import FOLDERS as FOLDERS
from .benchmarks import NAMES as NAMES
from .benchmarks import SPLITS as SPLITS
from .benchmarks import load as load
from .downloading import download as download
from .image_hashes import content_hash as content_hash
from .images import load_image as load_image
from .own_images import image_pair as image_pair
from .pair_set import PairSet as PairSet
from .pairs import ATTRIBUTES as ATTRIBUTES
from .pairs import ImagePair as ImagePair
from .pairs import Side as Side
from .verification import Report as Report
from .verification import verify as verify

__all__ = [
    "ATTRIBUTES",
    "BENCHMARKS",
    "CATEGORIES",
    "FOLDERS",
    "MANIFEST",
    "NAMES",
    "SPLITS",
    "Benchmark",
    "ImagePair",
    "PairSet",
    "Report",
    "Side",
    "class_alias",
    "content_hash",
    "download",
    "image_pair",
    "load",
    "load_image",
    "object_name",
    "verify",
]
