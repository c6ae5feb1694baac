"""PF-Willow's pair list, made from the annotations in its archive."""

import csv
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.categories import PF_WILLOW
from sd4match.errors import SD4MatchError

_N_KEYPOINTS = 10


def write_willow_list(images: Path, list_file: Path) -> None:
    """Write ``test_pairs.csv``: all ordered pairs of a sub-class, 90 each in the whole data set.

    The pairs and keypoints are those of the published list; the order of its rows may be another.

    Args:
        images: the ``PF-dataset`` folder, with a ``.mat`` file beside each image.
        list_file: the file to write.

    Raises:
        SD4MatchError: an annotation is missing or broken.
    """
    numbers = [f"{axis}{i}" for axis in ("XA", "YA", "XB", "YB") for i in range(1, 11)]
    with list_file.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["imageA", "imageB", *numbers])
        for sub_class in PF_WILLOW:
            points = {
                f"PF-dataset/{sub_class}/{image.name}": _keypoints(image.with_suffix(".mat"))
                for image in sorted((images / sub_class).glob("*.png"))
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
