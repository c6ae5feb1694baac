"""A backbone and a small PF-Pascal for tests of the whole model."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from sd4match import backbones, datasets
from sd4match.features import Latents

SIZES = {"a": (70, 50), "b": (48, 64), "c": (60, 60), "d": (33, 80)}
CLASSES = {"car": 7, "cat": 8}


def draw(path, size, seed):
    """Smooth random colours: neighbouring features differ, and a flip is another image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(256, size=(6, 6, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)


@pytest.fixture(scope="session")
def nano():
    return backbones.load("nano", device="cpu")


@pytest.fixture(scope="session")
def latents(nano):
    """At half the size of nano's own, which is faster."""
    return Latents(nano, 64)


@pytest.fixture(scope="session")
def pascal_root(tmp_path_factory):
    """PF-Pascal with four images, two categories, flips and a pair without keypoints."""
    root = tmp_path_factory.mktemp("benchmarks")
    folder = root / "pf-pascal"
    images = {stem: f"PF-dataset-PASCAL/JPEGImages/{stem}.jpg" for stem in SIZES}
    for seed, (stem, (width, height)) in enumerate(SIZES.items()):
        draw(folder / images[stem], (width, height), seed)
        points = np.random.default_rng(seed).uniform(0.1, 0.9, size=(5, 2)) * (width, height)
        points[seed] = np.nan
        if stem == "d":
            points[1:4] = np.nan  # "c" and "d" then share keypoint 0 and 4, "d" and "d" too
        for category in CLASSES:
            path = folder / "PF-dataset-PASCAL" / "Annotations" / category / f"{stem}.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            bare = category == "cat" and stem == "a"
            kps = np.full((5, 2), np.nan) if bare else points
            savemat(path, {"kps": kps, "bbox": [[1, 2, width - 1, height - 2]]})

    def write(split, rows):
        lines = [f"{images[a]},{images[b]},{CLASSES[c]},{flip}" for a, b, c, flip in rows]
        head = "source_image,target_image,class,flip"
        (folder / f"{split}_pairs.csv").write_text("\n".join([head, *lines]) + "\n")

    none = ("a", "b", "cat", 0)
    write("trn", [("a", "b", "car", 0), ("a", "b", "car", 1), none, ("c", "d", "cat", 0)])
    write("val", [("a", "c", "car", 0), ("b", "c", "cat", 0)])
    write(
        "test",
        [
            ("b", "c", "cat", 0),
            ("a", "b", "car", 0),
            none,
            ("b", "a", "car", 0),
            ("d", "c", "cat", 0),
            ("c", "c", "car", 0),
            ("a", "d", "car", 0),
        ],
    )
    return root


@pytest.fixture(scope="session")
def pascal(pascal_root):
    """The pairs of a split by its name."""
    return {
        split: datasets.load("pf_pascal", pascal_root, split) for split in ("train", "val", "test")
    }
