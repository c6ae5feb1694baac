from .benchmark import (
    MANIFEST as MANIFEST,
    Benchmark as Benchmark,
    class_alias as class_alias,
    object_name as object_name,
)
from .benchmarks import (
    BENCHMARKS as BENCHMARKS,
    CATEGORIES as CATEGORIES,
    FOLDERS as FOLDERS,
    NAMES as NAMES,
    SPLITS as SPLITS,
    load as load,
)
from .downloading import download as download
from .image_hashes import content_hash as content_hash
from .images import load_image as load_image
from .own_images import image_pair as image_pair
from .pair_set import PairSet as PairSet
from .pairs import ATTRIBUTES as ATTRIBUTES, ImagePair as ImagePair, Side as Side
from .verification import Report as Report, verify as verify
