"""PF-Pascal: CSV lists of pairs, and a MATLAB file of keypoints for each image and category.

docs/explanation/method.md section 2. Ham, Cho, Schmid, Ponce, "Proposal Flow" (2017); the
splits are NCNet's.
"""

from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.benchmark import PF_PASCAL, Benchmark
from sd4match.datasets.csv_lists import Row, read_table
from sd4match.datasets.images import image_size
from sd4match.datasets.pairs import ImagePair, mirror_box, mirror_points
from sd4match.errors import SD4MatchError

_IMAGES = "PF-dataset-PASCAL/JPEGImages"
_ANNOTATIONS = "PF-dataset-PASCAL/Annotations"


def read(folder: Path, list_file: Path) -> list[ImagePair]:
    """Read a split.

    A keypoint's id is its row in the annotations. Keypoints that are not visible (NaN) in either
    image are dropped. Rows with flip 1 are mirrored.

    Args:
        folder: the ``pf-pascal`` folder.
        list_file: the split's CSV file. Only the training list must have a flip column.

    Returns:
        The pairs in file order.

    Raises:
        SD4MatchError: a file is missing or broken.
    """
    required = ["source_image", "target_image", "class"]
    if list_file.name.startswith("trn"):
        required.append("flip")
    size = cache(image_size)
    annotation = cache(_read_annotation)

    def pair(row: Row) -> ImagePair:
        category = PF_PASCAL[row.integer("class", 1, len(PF_PASCAL)) - 1]
        flip = "flip" in row.values and row.integer("flip", 0, 1) == 1
        images = [PurePosixPath(row.text(side)).name for side in ("source_image", "target_image")]
        paths = [folder / _IMAGES / image for image in images]
        stems = [PurePosixPath(image).stem for image in images]
        files = [folder / _ANNOTATIONS / category / f"{stem}.mat" for stem in stems]
        sizes = [size(path) for path in paths]
        points, boxes = zip(*(annotation(file) for file in files), strict=True)
        if len(points[0]) != len(points[1]):
            raise SD4MatchError(
                f"{files[0]} has {len(points[0])} keypoints, but {files[1]} has {len(points[1])}; "
                f"expected as many in both ({row.where})"
            )
        common = ~np.isnan(np.concatenate(points, axis=1)).any(axis=1)
        if flip:
            points = tuple(mirror_points(p, w) for p, (w, _) in zip(points, sizes, strict=True))
            boxes = tuple(mirror_box(b, w) for b, (w, _) in zip(boxes, sizes, strict=True))
        return ImagePair(
            dataset="pf_pascal",
            id=f"{stems[0]}-{stems[1]}:{category}{':flip' if flip else ''}",
            category=category,
            source_id=f"{_IMAGES}/{images[0]}",
            target_id=f"{_IMAGES}/{images[1]}",
            source_path=paths[0],
            target_path=paths[1],
            flip=flip,
            source_keypoints=points[0][common].astype(np.float32),
            target_keypoints=points[1][common].astype(np.float32),
            keypoint_ids=np.flatnonzero(common).astype(np.int32),
            source_size=sizes[0],
            target_size=sizes[1],
            source_box=boxes[0].astype(np.float32),
            target_box=boxes[1].astype(np.float32),
            attributes={},
        )

    return [pair(row) for row in read_table(list_file, required)]


def _read_annotation(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read (K, 2) keypoints, NaN where not visible, and the (4,) box of one MATLAB file."""
    from scipy.io import loadmat  # slow to import, and not needed once there is an index

    if not path.is_file():
        raise SD4MatchError(f"{path}: missing annotation; the data set is incomplete")
    try:
        content = loadmat(path, variable_names=["kps", "bbox"])
    except Exception as error:  # a damaged file can raise almost anything in there
        raise SD4MatchError(f"{path}: expected a MATLAB file with kps and bbox") from error
    keypoints = _numbers(content.get("kps"))
    box = _numbers(content.get("bbox"))
    if keypoints is not None and keypoints.size == 0:
        keypoints = keypoints.reshape(0, 2)
    if keypoints is None or keypoints.shape[1:] != (2,) or np.isinf(keypoints).any():
        raise SD4MatchError(f"{path}: expected 'kps' with K x 2 numbers (NaN: not visible)")
    if box is None or box.size != 4 or not np.isfinite(box).all():
        raise SD4MatchError(f"{path}: expected 'bbox' with the 4 numbers x1, y1, x2, y2")
    return keypoints, box.reshape(4)


def _numbers(value: object) -> NDArray[np.float64] | None:
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return value.astype(np.float64)
    return None


PF_PASCAL_BENCHMARK = Benchmark(
    name="pf_pascal",
    folder="pf-pascal",
    lists={"train": "trn_pairs.csv", "val": "val_pairs.csv", "test": "test_pairs.csv"},
    categories=PF_PASCAL,
    sources=(f"{_ANNOTATIONS}/*", _IMAGES),
    read=read,
    # No paper counts its images: two per pair is an upper bound.
    published={"train": (2_940, 5_880), "val": (308, 616), "test": (299, 598)},
    reference="img",
    trained_on="pf_pascal",
    paper_steps=29_430,
)
