"""The three data sets as written."""

import csv
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from sd4match.testbed.shapes import generate
from sd4match.testbed.shapes.category import CATEGORIES, SHARED

SCALE = 0.2


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "data"
    return root, generate(root, scale=SCALE)


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_pairs_are_counted(tree):
    root, manifest = tree
    assert json.loads((root / "shapes.json").read_text())["pairs"] == manifest.pairs
    for split, count in manifest.pairs["pf_pascal"].items():
        assert len(_rows(root / f"pf-pascal/{split}_pairs.csv")) == count
    assert len(_rows(root / "pf-willow/test_pairs.csv")) == manifest.pairs["pf_willow"]["test"]
    for split, count in manifest.pairs["spair"].items():
        layout = (root / f"SPair-71k/Layout/large/{split}.txt").read_text().splitlines()
        files = {path.stem for path in (root / f"SPair-71k/PairAnnotation/{split}").iterdir()}
        assert len(layout) == count
        assert set(layout) == files


@pytest.mark.slow
def test_spair_pairs_agree_with_their_images(tree):
    root = tree[0] / "SPair-71k"
    seen = Counter()
    for path in (root / "PairAnnotation").rglob("*.json"):
        pair = json.loads(path.read_text())
        assert pair["filename"] == path.stem
        notes = []
        for side in ("src", "trg"):
            stem = pair[f"{side}_imname"].removesuffix(".jpg")
            note = json.loads(
                (root / "ImageAnnotation" / pair["category"] / f"{stem}.json").read_text()
            )
            assert pair[f"{side}_bndbox"] == note["bndbox"]
            assert pair[f"{side}_pose"] == note["pose"]
            assert pair[f"{side}_imsize"] == [note["image_width"], note["image_height"], 3]
            assert pair[f"{side}_kps"] == [note["kps"][i] for i in pair["kps_ids"]]
            notes.append(note)
        shared = [i for i in notes[0]["kps"] if notes[0]["kps"][i] and notes[1]["kps"][i]]
        assert pair["kps_ids"] == shared
        assert pair["truncation"] == notes[0]["truncated"] + 2 * notes[1]["truncated"]
        assert pair["occlusion"] == notes[0]["occluded"] + 2 * notes[1]["occluded"]
        for name, most in (("viewpoint_variation", 2), ("scale_variation", 2), ("truncation", 3),
                           ("occlusion", 3)):  # fmt: skip
            assert 0 <= pair[name] <= most
            seen[name, pair[name]] += 1
    # Every level of difficulty occurs.
    assert len(seen) == 3 + 3 + 4 + 4


@pytest.mark.slow
def test_spair_images_masks_and_boxes(tree):
    root = tree[0] / "SPair-71k"
    for path in (root / "ImageAnnotation").rglob("*.json"):
        note = json.loads(path.read_text())
        category, stem = note["category"], path.stem
        with Image.open(root / "JPEGImages" / category / f"{stem}.jpg") as image:
            assert image.size == (note["image_width"], note["image_height"])
        mask = np.asarray(Image.open(root / "Segmentation" / category / f"{stem}.png")) > 0
        rows, columns = np.nonzero(mask)
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert note["bndbox"] == tight
        for point in filter(None, note["kps"].values()):
            x, y = point
            assert mask[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].any()


@pytest.mark.slow
def test_pf_pascal_lists_and_annotations(tree):
    root = tree[0] / "pf-pascal"
    voc = {name: CATEGORIES[name] for name in SHARED}
    header = {split: (root / f"{split}_pairs.csv").read_text().splitlines()[0]
              for split in ("trn", "val", "test")}  # fmt: skip
    assert header["trn"] == header["val"] == "source_image,target_image,class,flip"
    assert header["test"] == "source_image,target_image,class"
    assert {row["flip"] for row in _rows(root / "trn_pairs.csv")} == {"0", "1"}
    classes = {row["class"] for row in _rows(root / "trn_pairs.csv")}
    assert len(classes) == len(voc)
    assert "7" in classes  # car is the seventh of PASCAL's classes
    for name, category in voc.items():
        for path in (root / "PF-dataset-PASCAL/Annotations" / name).iterdir():
            note = loadmat(path)
            assert note["kps"].shape == (len(category.keypoints), 2)
            assert note["bbox"].shape == (1, 4)
            with Image.open(root / f"PF-dataset-PASCAL/JPEGImages/{path.stem}.jpg") as image:
                inside = note["kps"][~np.isnan(note["kps"]).any(1)]
                assert (inside < image.size).all()


def test_pf_willow_has_ten_sub_classes_of_ten_keypoints(tree):
    root = tree[0] / "pf-willow"
    rows = _rows(root / "test_pairs.csv")
    assert all(len(row) == 42 and all(row.values()) for row in rows)
    images = sorted({row["imageA"] for row in rows})
    per_class = Counter(image.split("/")[1] for image in images)
    assert len(per_class) == 10
    assert set(per_class.values()) == {2}
    assert len(rows) == 10 * 2 * 1
    assert len({image.split("/")[2] for image in images}) < len(images)  # stems repeat
    # As in the real one, some images are in two sub-classes.
    assert len({(root / image).read_bytes() for image in images}) == 14


@pytest.mark.slow
def test_splits_share_no_image(tree):
    root = tree[0]
    for dataset, pattern in (("SPair-71k", "JPEGImages/*/*.jpg"),
                             ("pf-pascal", "PF-dataset-PASCAL/JPEGImages/*.jpg")):  # fmt: skip
        files = list((root / dataset).glob(pattern))
        assert len({path.read_bytes() for path in files}) == len(files)
        assert {path.stem[:4] for path in files} == {"2021", "2022", "2023"}
    rows = {split: _rows(root / f"pf-pascal/{split}_pairs.csv") for split in ("trn", "val", "test")}
    used = [{row[side] for row in of_split for side in ("source_image", "target_image")}
            for of_split in rows.values()]  # fmt: skip
    assert len(set.union(*used)) == sum(len(images) for images in used)


@pytest.mark.slow
def test_every_image_has_a_caption(tree):
    for dataset in ("pf-pascal", "pf-willow", "SPair-71k"):
        root = tree[0] / dataset
        lines = [json.loads(line) for line in (root / "captions.jsonl").read_text().splitlines()]
        files = [*root.rglob("*.jpg"), *root.glob("PF-dataset/*/*.png")]
        images = {path.relative_to(root).as_posix() for path in files}
        assert {line["image"] for line in lines} == images
        assert all(line["caption"].startswith("a photo of a") for line in lines)
