"""PF-Willow: a CSV list of pairs with their ten keypoints, test split only; and writing that list.

docs/explanation/method.md section 2. Ham, Cho, Schmid, Ponce, "Proposal Flow" (CVPR 2016).
"""

import csv
from functools import cache
from itertools import permutations
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.benchmark import PF_WILLOW, Benchmark
from sd4match.datasets.csv_lists import Row, read_table
from sd4match.datasets.images import image_size
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError, require_known
from sd4match.files.companions import without_companions

_IMAGES = "PF-dataset"
_N_KEYPOINTS = 10
_NUMBERS = {
    image: [f"{axis}{image}{i}" for axis in "XY" for i in range(1, _N_KEYPOINTS + 1)]
    for image in "AB"
}


def read(folder: Path, list_file: Path) -> list[ImagePair]:
    """Read the test split. Sub-classes are the categories; there are no boxes.

    Args:
        folder: the ``pf-willow`` folder.
        list_file: the CSV file.

    Returns:
        The pairs in file order.

    Raises:
        SD4MatchError: a file is missing or broken.
    """
    size = cache(image_size)

    def pair(row: Row) -> ImagePair:
        names = [_names(row, "imageA"), _names(row, "imageB")]
        category, other = (sub_class for sub_class, _ in names)
        if other != category:
            raise SD4MatchError(f"{row.where}: expected one sub-class, not {category} and {other}")
        ids = [f"{_IMAGES}/{category}/{image}" for _, image in names]
        points = [
            np.array([row.number(column) for column in _NUMBERS[image]], dtype=np.float32)
            for image in "AB"
        ]
        return ImagePair(
            dataset="pf_willow",
            id=f"{'-'.join(PurePosixPath(image).stem for _, image in names)}:{category}",
            category=category,
            source_id=ids[0],
            target_id=ids[1],
            source_path=folder / ids[0],
            target_path=folder / ids[1],
            flip=False,
            source_keypoints=points[0].reshape(2, _N_KEYPOINTS).T,
            target_keypoints=points[1].reshape(2, _N_KEYPOINTS).T,
            keypoint_ids=np.arange(_N_KEYPOINTS, dtype=np.int32),
            source_size=size(folder / ids[0]),
            target_size=size(folder / ids[1]),
            source_box=None,
            target_box=None,
            attributes={},
        )

    columns = ["imageA", "imageB", *_NUMBERS["A"], *_NUMBERS["B"]]
    return [pair(row) for row in read_table(list_file, columns)]


def _names(row: Row, column: str) -> tuple[str, str]:
    """The sub-class and the file name at the end of a path; its prefix is ignored."""
    parts = PurePosixPath(row.text(column)).parts
    if len(parts) < 2:
        raise SD4MatchError(
            f"{row.where}: expected a path that ends in <sub-class>/<image> in column '{column}'"
        )
    require_known(parts[-2], PF_WILLOW, what="PF-Willow sub-class", where=row.where)
    return parts[-2], parts[-1]


def write_willow_list(images: Path, list_file: Path) -> None:
    """Write ``test_pairs.csv`` from the annotations: all ordered pairs of each sub-class.

    Pairs and keypoints are those of the published list; the order of the rows may differ.

    Args:
        images: the ``PF-dataset`` folder, with a ``.mat`` file beside each image.
        list_file: the file to write.

    Raises:
        SD4MatchError: an annotation is missing or broken.
    """
    columns = ["imageA", "imageB", *_NUMBERS["A"], *_NUMBERS["B"]]
    with list_file.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for sub_class in PF_WILLOW:
            points = {
                f"PF-dataset/{sub_class}/{image.name}": _keypoints(image.with_suffix(".mat"))
                for image in sorted(without_companions((images / sub_class).glob("*.png")))
            }
            for a, b in permutations(points, 2):
                writer.writerow([a, b, *points[a].ravel().tolist(), *points[b].ravel().tolist()])


def _keypoints(path: Path) -> NDArray[np.float64]:
    """Read the (2, 10) keypoints of an image: x, then y."""
    from scipy.io import loadmat  # slow to import

    try:
        points = np.asarray(loadmat(path)["pts_coord"], dtype=np.float64)
    except Exception as error:  # a damaged file can raise almost anything in there
        raise SD4MatchError(f"{path}: expected a MATLAB file with pts_coord") from error
    if points.shape != (2, _N_KEYPOINTS) or not np.isfinite(points).all():
        raise SD4MatchError(f"{path}: expected 'pts_coord' with 2 x {_N_KEYPOINTS} numbers")
    return points


PF_WILLOW_BENCHMARK = Benchmark(
    name="pf_willow",
    folder="pf-willow",
    lists={"test": "test_pairs.csv"},
    categories=PF_WILLOW,
    sources=(f"{_IMAGES}/*",),
    read=read,
    published={"test": (900, 100)},
    reference="bbox-kp",
    trained_on="pf_pascal",
)
