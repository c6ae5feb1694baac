"""A small generated layout of each benchmark, with the quirks of the genuine ones."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

NAN = float("nan")

PASCAL_SIZES = {"2008_000001": (60, 40), "2008_000002": (50, 45), "2009_000003": (33, 47)}
PASCAL_KEYPOINTS = {
    "2008_000001": [[10.5, 20], [NAN, NAN], [70, -3], [30, 31]],  # the third lies outside
    "2008_000002": [[11, 21], [1, 2], [3, 4], [NAN, NAN]],
    "2009_000003": [[NAN, NAN], [5, 6], [NAN, NAN], [NAN, NAN]],
}
PASCAL_BOX = [5, 6, 30, 36]

WILLOW = ("car(G)", "winebottle(woC)")  # the same two file names in both
WILLOW_SIZE = (48, 36)

SPAIR_SIZES = {"2007_000001": (40, 30), "2007_000002": (35, 45)}
SPAIR_PAIR = {
    "src_imname": "2007_000001.jpg",
    "trg_imname": "2007_000002.jpg",
    "src_imsize": [40, 30, 3],
    "trg_imsize": [35, 45, 3],
    "src_bndbox": [1, 2, 30, 28],
    "trg_bndbox": [3, 4, 33, 40],
    "src_kps": [[4, 5], [50, 6]],
    "trg_kps": [[7, 8], [9, 10]],
    "kps_ids": ["3", "11"],
    "mirror": 0,
    "viewpoint_variation": 1,
    "scale_variation": 2,
    "truncation": 3,
    "occlusion": 0,
}
NO_KEYPOINTS = {"src_kps": [], "trg_kps": [], "kps_ids": []}


def write_image(path, size, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def write_pf_pascal(folder):
    inner = folder / "PF-dataset-PASCAL"
    for seed, (stem, size) in enumerate(PASCAL_SIZES.items()):
        write_image(inner / "JPEGImages" / f"{stem}.jpg", size, seed)
        for category in ("bicycle", "tvmonitor"):
            path = inner / "Annotations" / category / f"{stem}.mat"
            path.parent.mkdir(parents=True, exist_ok=True)
            savemat(path, {"kps": np.array(PASCAL_KEYPOINTS[stem]), "bbox": [PASCAL_BOX]})
    a, b, c = (f"PF-dataset-PASCAL/JPEGImages/{stem}.jpg" for stem in PASCAL_SIZES)
    head = "source_image,target_image,class"
    train = [f"{a},{b},2,0", f"{a},{b},2,1", f"{a},{b},2,0", f"{b},{a},20,0"]
    write_lines(folder / "trn_pairs.csv", [f"{head},flip", *train])
    write_lines(folder / "val_pairs.csv", [f"{head},flip", f"{a},{b},2,0", f"{a},{c},20,0"])
    test = [f"{b},{a},2,1;2,3;4,5;6,7;8", f"{b},{c},20,1,2,3,4"]
    write_lines(folder / "test_pairs.csv", [f"{head},XA,YA,XB,YB", *test])


def willow_keypoints(seed):
    return np.random.default_rng(seed).uniform(-5, 50, size=(10, 2)).round(6)


def write_pf_willow(folder):
    for i, category in enumerate(WILLOW):
        for j, name in enumerate(("Cars_1", "Cars_2")):
            path = folder / "PF-dataset" / category / f"{name}.png"
            write_image(path, WILLOW_SIZE, 10 * i + j)
    columns = [f"{axis}{image}{i}" for image in "AB" for axis in "XY" for i in range(1, 11)]
    lines = [f"imageA,imageB,{','.join(columns)}"]
    for i, category in enumerate(WILLOW):
        paths = [f"PF-dataset/{category}/{name}.png" for name in ("Cars_1", "Cars_2")]
        points = [willow_keypoints(2 * i + j).T.ravel().tolist() for j in range(2)]
        lines.append(",".join(map(str, [*paths, *points[0], *points[1]])))
    write_lines(folder / "test_pairs.csv", lines)


def write_spair(folder):
    for category in ("cat", "car"):
        for seed, (stem, size) in enumerate(SPAIR_SIZES.items()):
            path = folder / "JPEGImages" / category / f"{stem}.jpg"
            write_image(path, size, seed + (category == "car"))
    for split in ("trn", "val", "test"):
        ids = [f"{i:06}-2007_000001-2007_000002:{c}" for i, c in enumerate(("cat", "car", "cat"))]
        write_lines(folder / "Layout" / "large" / f"{split}.txt", ids)
        for i, pair_id in enumerate(ids):
            content = SPAIR_PAIR | {"category": pair_id.partition(":")[2]}
            path = folder / "PairAnnotation" / split / f"{pair_id}.json"
            write_lines(path, [json.dumps(content | (NO_KEYPOINTS if i == 2 else {}))])


@pytest.fixture(autouse=True)
def fallback_cache(tmp_path_factory, monkeypatch):
    """No test writes to the user's cache folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SD4MATCH_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory):
    """All three benchmarks, for tests that change nothing."""
    root = tmp_path_factory.mktemp("benchmarks")
    write_pf_pascal(root / "pf-pascal")
    write_pf_willow(root / "pf-willow")
    write_spair(root / "SPair-71k")
    return root


@pytest.fixture
def root(shared_root, tmp_path):
    """A copy of all three, without an index, for tests that change them."""
    return shutil.copytree(
        shared_root, tmp_path / "data", ignore=shutil.ignore_patterns(".sd4match")
    )


@pytest.fixture
def genuine():
    """What the generated layouts hold."""
    return {
        "pascal_keypoints": np.array([*PASCAL_KEYPOINTS.values()], dtype=np.float32),
        "willow_keypoints": np.array([willow_keypoints(i) for i in range(4)], dtype=np.float32),
        "spair_pair": SPAIR_PAIR,
    }
