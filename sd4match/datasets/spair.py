"""SPair-71k: a text list of pair ids, and one JSON file for each pair.

docs/explanation/method.md section 2. Min, Lee, Ponce, Cho, "SPair-71k" (2019).
"""

import json
import logging
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.benchmark import SPAIR, Benchmark
from sd4match.datasets.csv_lists import read_text
from sd4match.datasets.pairs import ATTRIBUTES, ImagePair
from sd4match.errors import SD4MatchError, require_known

log = logging.getLogger(__name__)

_FIELDS = (
    "category", "src_imname", "trg_imname", "src_imsize", "trg_imsize", "src_kps", "trg_kps",
    "kps_ids", "src_bndbox", "trg_bndbox",
)  # fmt: skip
_ATTRIBUTE_FIELDS = dict(
    zip(
        ATTRIBUTES,
        ("viewpoint_variation", "scale_variation", "truncation", "occlusion"),
        strict=True,
    )
)
_REPORT_EVERY = 10_000
_LARGEST = 2**31 - 1


def read(folder: Path, list_file: Path) -> list[ImagePair]:
    """Read a split. The annotations already hold the common keypoints only.

    Args:
        folder: the ``SPair-71k`` folder.
        list_file: the split's list, one pair id per line.

    Returns:
        The pairs in file order; a pair's id is its line.

    Raises:
        SD4MatchError: a file is missing or broken.
    """
    annotations = folder / "PairAnnotation" / list_file.stem
    lines = [(i, line.strip()) for i, line in enumerate(read_text(list_file).splitlines(), 1)]
    pairs: list[ImagePair] = []
    for number, line in lines:
        if not line:
            continue
        category = line.rpartition(":")[2]
        where = f"{list_file}, line {number}"
        if ":" not in line or "/" in line:
            raise SD4MatchError(f"{where}: expected <number>-<source>-<target>:<category>")
        require_known(category, SPAIR, what="SPair-71k category", where=where)
        pairs.append(_read_pair(folder, annotations / f"{line}.json", line, category))
        if len(pairs) % _REPORT_EVERY == 0:
            log.info("%s: %d of %d pairs read", list_file, len(pairs), len(lines))
    if not pairs:
        raise SD4MatchError(f"{list_file}: expected a line for each pair, found none")
    for image in dict.fromkeys(path for p in pairs for path in (p.source_path, p.target_path)):
        if not image.is_file():
            raise SD4MatchError(f"{image}: missing image; the data set is incomplete")
    return pairs


def _read_pair(folder: Path, path: Path, pair_id: str, category: str) -> ImagePair:
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SD4MatchError(f"{path}: expected JSON, but {error}") from error
    missing = [name for name in _FIELDS if not isinstance(content, dict) or name not in content]
    if missing:
        raise SD4MatchError(f"{path}: missing {', '.join(missing)}; expected a pair's annotation")
    if content["category"] != category:
        raise SD4MatchError(
            f"{path}: the category is {content['category']!r}, expected {category!r} as in its name"
        )
    source, target = (
        f"JPEGImages/{category}/{_text(path, content, name)}"
        for name in ("src_imname", "trg_imname")
    )
    n = len(content["kps_ids"]) if isinstance(content["kps_ids"], list) else 0
    keypoint_ids = _array(path, content, "kps_ids", (n,)).astype(np.int32)
    return ImagePair(
        dataset="spair",
        id=pair_id,
        category=category,
        source_id=source,
        target_id=target,
        source_path=folder / source,
        target_path=folder / target,
        flip=False,
        source_keypoints=_array(path, content, "src_kps", (n, 2)),
        target_keypoints=_array(path, content, "trg_kps", (n, 2)),
        keypoint_ids=keypoint_ids,
        source_size=_size(path, content, "src_imsize"),
        target_size=_size(path, content, "trg_imsize"),
        source_box=_array(path, content, "src_bndbox", (4,)),
        target_box=_array(path, content, "trg_bndbox", (4,)),
        attributes={
            name: _integer(path, content, field, float(_array(path, content, field, ())), low=0)
            for name, field in _ATTRIBUTE_FIELDS.items()
            if field in content
        },
    )


def _text(path: Path, content: Mapping[str, Any], name: str) -> str:
    value = content[name]
    if not isinstance(value, str) or not value or "/" in value:
        raise SD4MatchError(f"{path}: expected a file name in {name}, found {value!r}")
    return value


def _size(path: Path, content: Mapping[str, Any], name: str) -> tuple[int, int]:
    width, height, _ = _array(path, content, name, (3,))
    w, h = (_integer(path, content, name, float(side), low=1) for side in (width, height))
    return w, h


def _integer(path: Path, content: Mapping[str, Any], name: str, number: float, *, low: int) -> int:
    """A number of a field, as an integer of at least ``low``."""
    if not low <= number <= _LARGEST or number % 1:
        found = reprlib.repr(content[name])
        raise SD4MatchError(f"{path}: expected integers of at least {low} in {name}, found {found}")
    return int(number)


def _array(
    path: Path, content: Mapping[str, Any], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """The finite numbers of a field, as an array of a given shape."""
    try:
        array = np.asarray(content[name], dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        array = np.full(shape, np.nan, dtype=np.float32)
    if array.size == 0 and 0 in shape:
        array = array.reshape(shape)  # [] stands for no keypoint
    if array.shape != shape or not np.isfinite(array).all():
        size = " x ".join(map(str, shape)) or "1"
        found = reprlib.repr(content[name])
        raise SD4MatchError(f"{path}: expected {size} numbers in {name}, found {found}")
    return array


SPAIR_BENCHMARK = Benchmark(
    name="spair",
    folder="SPair-71k",
    lists={
        "train": "Layout/large/trn.txt",
        "val": "Layout/large/val.txt",
        "test": "Layout/large/test.txt",
    },
    categories=SPAIR,
    sources=("PairAnnotation/{list}", "JPEGImages/*"),
    read=read,
    published={"train": (53_340, 1_000), "val": (5_384, 340), "test": (12_234, 460)},
    reference="bbox",
    trained_on="spair",
    paper_steps=29_635,
)
