"""SPair-71k: a text list of pair ids, and one JSON file for each pair.

docs/explanation/method.md section 2. Min, Lee, Ponce, Cho, "SPair-71k" (2019).
"""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.benchmark import SPAIR, Benchmark
from sd4match.datasets.csv_lists import read_text
from sd4match.datasets.pairs import ATTRIBUTES, ImagePair
from sd4match.datasets.spair_annotation import (
    ATTRIBUTE_FIELDS,
    FIELDS,
    LARGEST,
    category_of,
    read_pair,
)
from sd4match.errors import SD4MatchError, require_known

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

_BLOCK = 2_000  # files parsed at once, about 1 MB
_REPORT_EVERY = 10_000


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
    ids = _pair_ids(list_file)
    pairs: list[ImagePair] = []
    for start in range(0, len(ids), _BLOCK):
        block = ids[start : start + _BLOCK]
        pairs += _read_block(folder, annotations, block) or [
            read_pair(folder, annotations / f"{pair_id}.json", pair_id) for pair_id in block
        ]
        if len(pairs) % _REPORT_EVERY == 0:
            log.info("%s: %d of %d pairs read", list_file, len(pairs), len(ids))
    if not pairs:
        raise SD4MatchError(f"{list_file}: expected a line for each pair, found none")
    images = {p.source_id: p.source_path for p in pairs} | {
        p.target_id: p.target_path for p in pairs
    }
    for image in images.values():
        if not image.is_file():
            raise SD4MatchError(f"{image}: missing image; the data set is incomplete")
    return pairs


def _pair_ids(list_file: Path) -> list[str]:
    """The lines of a list that are not blank."""
    ids = []
    for number, line in enumerate(map(str.strip, read_text(list_file).splitlines()), 1):
        if not line:
            continue
        where = f"{list_file}, line {number}"
        if ":" not in line or "/" in line:
            raise SD4MatchError(f"{where}: expected <number>-<source>-<target>:<category>")
        require_known(category_of(line), SPAIR, what="SPair-71k category", where=where)
        ids.append(line)
    return ids


def _read_block(folder: Path, annotations: Path, ids: Sequence[str]) -> list[ImagePair] | None:
    """Parse complete and correct annotations together; None if any is something else.

    Arrow makes columns of them at once, three times as fast as pair after pair. `read_pair` then
    says what is wrong, or reads what is merely unusual.
    """
    import pyarrow as pa  # slow to import
    from pyarrow import json as arrow

    numbers = pa.list_(pa.float64())
    types = (
        [pa.string()] * 3 + [numbers] * 2 + [pa.list_(numbers)] * 2 + [pa.list_(pa.string())]
        + [numbers] * 2 + [pa.float64()] * 4
    )  # fmt: skip
    schema = pa.schema(zip((*FIELDS, *ATTRIBUTE_FIELDS.values()), types, strict=True))
    try:
        text = b"\n".join(_line(f"{annotations}/{pair_id}.json") for pair_id in ids)
        table = arrow.read_json(
            pa.BufferReader(text),
            arrow.ReadOptions(use_threads=False, block_size=len(text) + 1),
            arrow.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
        return _pairs(folder, ids, {name: table[name].combine_chunks() for name in schema.names})
    except (OSError, ValueError):  # also Arrow's
        return None


def _line(path: str) -> bytes:
    """A file with one JSON object, on one line. With a `Path` it would take twice as long."""
    with FileIO(path) as file:
        line = file.read().replace(b"\n", b" ").strip()
    if not line.startswith(b"{"):
        raise ValueError(path)
    return line


def _pairs(folder: Path, ids: Sequence[str], columns: Mapping[str, "pa.Array"]) -> list[ImagePair]:
    """The pairs of columns with a row for each.

    Raises:
        ValueError: a row needs a closer look.
    """
    categories = [category_of(pair_id) for pair_id in ids]
    if columns["category"].to_pylist() != categories:
        raise ValueError("category")
    counts = columns["kps_ids"].value_lengths()
    ids_of_points = _finite(_flat(columns["kps_ids"], counts).cast("float64"))
    keypoint_ids = np.array(_whole(ids_of_points, 0), dtype=np.int32)
    points = [_table(_flat(columns[name], counts), 2) for name in ("src_kps", "trg_kps")]
    boxes = [_table(columns[name], 4) for name in ("src_bndbox", "trg_bndbox")]
    sizes = [_whole(_table(columns[name], 3)[:, :2], 1) for name in ("src_imsize", "trg_imsize")]
    known = [_finite(columns[field]) for field in ATTRIBUTE_FIELDS.values()]
    grades = _whole(np.stack(known, axis=1), 0)
    names = [columns[name].to_pylist() for name in ("src_imname", "trg_imname")]
    if not all(name and "/" not in name for side in names for name in side):
        raise ValueError("names")
    place = cache(folder.joinpath)  # each image is in many pairs
    pairs, end = [], 0
    for i, (pair_id, category, n) in enumerate(
        zip(ids, categories, counts.to_pylist(), strict=True)
    ):
        own = slice(end, end := end + n)
        source, target = (f"JPEGImages/{category}/{side[i]}" for side in names)
        pairs.append(
            ImagePair(
                dataset="spair",
                id=pair_id,
                category=category,
                source_id=source,
                target_id=target,
                source_path=place(source),
                target_path=place(target),
                flip=False,
                source_keypoints=points[0][own],
                target_keypoints=points[1][own],
                keypoint_ids=keypoint_ids[own],
                source_size=(sizes[0][i][0], sizes[0][i][1]),
                target_size=(sizes[1][i][0], sizes[1][i][1]),
                source_box=boxes[0][i],
                target_box=boxes[1][i],
                attributes=dict(zip(ATTRIBUTES, grades[i], strict=True)),
            )
        )
    return pairs


def _flat(array: "pa.Array", lengths: "pa.Array") -> "pa.Array":
    """The elements of lists of these lengths."""
    if array.null_count or array.value_lengths() != lengths:
        raise ValueError("lengths")
    return array.flatten()


def _table(array: "pa.Array", width: int) -> NDArray[np.float32]:
    """Lists of that length -> (rows, width)."""
    if array.null_count or not (array.value_lengths().to_numpy() == width).all():
        raise ValueError("width")
    return _finite(array.flatten()).reshape(-1, width)


def _finite(array: "pa.Array") -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = array.to_numpy(zero_copy_only=False).astype(np.float32)
    if array.null_count or not np.isfinite(numbers).all():
        raise ValueError("numbers")
    return numbers


def _whole(numbers: NDArray[np.float32], low: int) -> list[Any]:
    """Integers of at least ``low``, as nested lists."""
    if not ((numbers >= low) & (numbers <= LARGEST) & (numbers % 1 == 0)).all():
        raise ValueError("integers")
    found: list[Any] = numbers.astype(np.int64).tolist()
    return found


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
