"""One annotation of SPair-71k, read field by field, so that messages name what is wrong."""

import json
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.csv_lists import read_text
from sd4match.datasets.pairs import ATTRIBUTES, ImagePair
from sd4match.errors import SD4MatchError

FIELDS = (
    "category", "src_imname", "trg_imname", "src_imsize", "trg_imsize", "src_kps", "trg_kps",
    "kps_ids", "src_bndbox", "trg_bndbox",
)  # fmt: skip
ATTRIBUTE_FIELDS = dict(
    zip(
        ATTRIBUTES,
        ("viewpoint_variation", "scale_variation", "truncation", "occlusion"),
        strict=True,
    )
)
LARGEST = 2**31 - 1


def category_of(pair_id: str) -> str:
    """The category in a pair's id."""
    return pair_id.rpartition(":")[2]


def read_pair(folder: Path, path: Path, pair_id: str) -> ImagePair:
    """Read one annotation.

    Args:
        folder: the ``SPair-71k`` folder.
        path: the JSON file.
        pair_id: the pair's line in the list.

    Returns:
        The pair.

    Raises:
        SD4MatchError: the file is missing or broken; says which field.
    """
    category = category_of(pair_id)
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise SD4MatchError(f"{path}: expected JSON, but {error}") from error
    missing = [name for name in FIELDS if not isinstance(content, dict) or name not in content]
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
    keypoint_ids = np.array(
        [
            _integer(path, content, "kps_ids", float(number), low=0)
            for number in _array(path, content, "kps_ids", (n,))
        ],
        dtype=np.int32,
    )
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
            for name, field in ATTRIBUTE_FIELDS.items()
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
    if not low <= number <= LARGEST or number % 1:
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
