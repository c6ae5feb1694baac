"""What each reader makes of its benchmark's layout."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sd4match import datasets
from sd4match.datasets import benchmark

ALL = [(name, split) for name in datasets.NAMES for split in datasets.SPLITS[name]]


@pytest.mark.parametrize(("name", "split"), ALL)
def test_every_split_opens(shared_root, name, split):
    pairs = datasets.load(name, shared_root, split)
    assert (pairs.dataset, pairs.split) == (name, split)
    assert len({pair.id for pair in pairs}) == len(pairs) > 0
    for pair in pairs:
        n = len(pair.keypoint_ids)
        assert pair.dataset == name
        assert pair.source_keypoints.shape == pair.target_keypoints.shape == (n, 2)
        assert pair.source_keypoints.dtype == pair.target_keypoints.dtype == np.float32
        assert pair.keypoint_ids.dtype == np.int32
        for id_, path, size in (
            (pair.source_id, pair.source_path, pair.source_size),
            (pair.target_id, pair.target_path, pair.target_size),
        ):
            assert path == shared_root / path.relative_to(shared_root).parts[0] / id_
            with Image.open(path) as image:
                assert image.size == size


def test_importing_and_opening_needs_no_torch(shared_root):
    code = (
        "import sys; from sd4match import datasets;"
        f"datasets.load('pf_pascal', {str(shared_root)!r}, 'val');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pf_pascal_drops_keypoints_hidden_in_either_image(shared_root, genuine):
    pair = datasets.load("pf_pascal", shared_root, "train")[0]
    a, b, _ = genuine["pascal_keypoints"]
    assert pair.keypoint_ids.tolist() == [0, 2]
    np.testing.assert_array_equal(pair.source_keypoints, a[[0, 2]])
    np.testing.assert_array_equal(pair.target_keypoints, b[[0, 2]])


def test_pf_pascal_keeps_pairs_without_common_keypoints(shared_root):
    pair = datasets.load("pf_pascal", shared_root, "val")[1]
    assert pair.source_keypoints.shape == pair.target_keypoints.shape == (0, 2)
    assert pair.keypoint_ids.tolist() == []


def test_pf_pascal_classes_count_from_one(shared_root):
    train = datasets.load("pf_pascal", shared_root, "train")
    assert [pair.category for pair in train] == ["bicycle", "bicycle", "bicycle", "tvmonitor"]
    assert benchmark.PF_PASCAL[0] == "aeroplane"
    assert len(benchmark.PF_PASCAL) == 20
    assert len(benchmark.SPAIR) == 18
    assert len(benchmark.PF_WILLOW) == 10


def test_pf_pascal_mirrors_flipped_rows(shared_root):
    straight, flipped, *_ = datasets.load("pf_pascal", shared_root, "train")
    assert (straight.flip, flipped.flip) == (False, True)
    for side in ("source", "target"):
        width, _ = getattr(flipped, f"{side}_size")
        before = getattr(straight, f"{side}_keypoints")
        after = getattr(flipped, f"{side}_keypoints")
        np.testing.assert_array_equal(after[:, 0], width - before[:, 0])
        np.testing.assert_array_equal(after[:, 1], before[:, 1])
        x1, y1, x2, y2 = getattr(straight, f"{side}_box")
        np.testing.assert_array_equal(
            getattr(flipped, f"{side}_box"), [width - x2, y1, width - x1, y2]
        )
        # The image is mirrored with its keypoints: a column and its mirror image show the same.
        plain = np.asarray(datasets.load_image(straight, side))
        mirrored = np.asarray(datasets.load_image(flipped, side))
        np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_pf_pascal_ids_tell_repeated_and_flipped_rows_apart(shared_root):
    ids = [pair.id for pair in datasets.load("pf_pascal", shared_root, "train")]
    assert ids == [
        "2008_000001-2008_000002:bicycle",
        "2008_000001-2008_000002:bicycle:flip",
        "2008_000001-2008_000002:bicycle#2",
        "2008_000002-2008_000001:tvmonitor",
    ]


def test_pf_pascal_validation_list_may_flip_and_lack_the_column(root):
    path = root / "pf-pascal" / "val_pairs.csv"
    head, first, _ = path.read_text().splitlines()
    path.write_text(f"{head}\n{first[:-1]}1\n")
    assert datasets.load("pf_pascal", root, "val")[0].flip
    path.write_text(f"{head.removesuffix(',flip')}\n{first[:-2]}\n")
    assert not datasets.load("pf_pascal", root, "val")[0].flip


@pytest.mark.parametrize("prefix", ["", "else/where/"])
def test_pf_pascal_ignores_folder_prefixes(root, prefix):
    path = root / "pf-pascal" / "val_pairs.csv"
    path.write_text(path.read_text().replace("PF-dataset-PASCAL/JPEGImages/", prefix))
    pair = datasets.load("pf_pascal", root, "val")[0]
    assert pair.source_id == "PF-dataset-PASCAL/JPEGImages/2008_000001.jpg"
    assert pair.source_path.is_file()


def test_pf_pascal_takes_integer_and_empty_keypoints(root):
    from scipy.io import savemat

    folder = root / "pf-pascal" / "PF-dataset-PASCAL" / "Annotations" / "bicycle"
    for points in (np.array([[1, 2]], dtype=np.uint8), np.zeros((0, 0))):
        for stem in ("2008_000001", "2008_000002"):
            savemat(folder / f"{stem}.mat", {"kps": points, "bbox": [[1], [2], [3], [4]]})
        pair = datasets.load("pf_pascal", root, "val")[0]
        assert pair.source_keypoints.tolist() == points.reshape(-1, 2).tolist()
        assert pair.source_box.tolist() == [1, 2, 3, 4]


def test_pf_willow_sub_classes_keypoints_and_repeated_stems(shared_root, genuine):
    pairs = datasets.load("pf_willow", shared_root, "test")
    assert [pair.category for pair in pairs] == ["car(G)", "winebottle(woC)"]
    assert [pair.id for pair in pairs] == ["Cars_1-Cars_2:car(G)", "Cars_1-Cars_2:winebottle(woC)"]
    assert pairs[1].source_id == "PF-dataset/winebottle(woC)/Cars_1.png"
    for i, pair in enumerate(pairs):
        np.testing.assert_array_equal(pair.source_keypoints, genuine["willow_keypoints"][2 * i])
        np.testing.assert_array_equal(pair.target_keypoints, genuine["willow_keypoints"][2 * i + 1])
        assert pair.keypoint_ids.tolist() == list(range(10))
        assert pair.source_box is pair.target_box is None
        assert not pair.flip
        assert pair.attributes == {}


def test_pf_willow_finds_columns_by_name(root):
    path = root / "pf-willow" / "test_pairs.csv"
    before = datasets.load("pf_willow", root, "test")[0]
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("".join(",".join(["extra", *reversed(line)]) + "\r\n" for line in lines))
    after = datasets.load("pf_willow", root, "test")[0]
    np.testing.assert_array_equal(before.source_keypoints, after.source_keypoints)
    assert before.source_id == after.source_id


def test_spair_reads_its_annotation(shared_root, genuine):
    pairs = datasets.load("spair", shared_root, "val")
    pair, expected = pairs[1], genuine["spair_pair"]
    assert pair.id == "000001-2007_000001-2007_000002:car"
    assert pair.source_id == "JPEGImages/car/2007_000001.jpg"
    assert pair.source_keypoints.tolist() == expected["src_kps"]
    assert pair.target_keypoints.tolist() == expected["trg_kps"]
    assert pair.keypoint_ids.tolist() == [3, 11]
    assert (pair.source_size, pair.target_size) == ((40, 30), (35, 45))
    assert pair.source_box.tolist() == expected["src_bndbox"]
    assert pair.target_box.tolist() == expected["trg_bndbox"]
    assert pair.attributes == {"viewpoint": 1, "scale": 2, "truncation": 3, "occlusion": 0}
    assert pairs[2].source_keypoints.shape == (0, 2)


def test_spair_attributes_are_those_known(root):
    path = next((root / "SPair-71k" / "PairAnnotation" / "val").glob("000000-*"))
    path.write_text(path.read_text().replace('"occlusion"', '"unheard_of"'))
    pair = datasets.load("spair", root, "val")[0]
    assert pair.attributes == {"viewpoint": 1, "scale": 2, "truncation": 3}


def test_a_category_is_its_whole_name(shared_root):
    everything = datasets.load("spair", shared_root, "test")
    cars = datasets.load("spair", shared_root, "test", category="car")
    assert [pair.id for pair in cars] == [p.id for p in everything if p.category == "car"]
    assert everything.categories == ("car", "cat")
    assert cars.categories == ("car",)
    none = datasets.load("spair", shared_root, "test", category="dog")
    assert (len(none), none.categories, list(none)) == (0, (), [])
    assert len(none.fingerprint) == 64


@pytest.mark.parametrize(
    ("category", "name", "alias"),
    [
        ("car(G)", "car", "car"),
        ("winebottle(wC)", "winebottle", "bottle"),
        ("duck(S)", "duck", "duck"),
        ("motorbike(M)", "motorbike", "motorbike"),
        ("cat", "cat", "cat"),
        ("bottle", "bottle", "bottle"),
    ],
)
def test_names_of_objects_and_classes(category, name, alias):
    assert datasets.object_name(category) == name
    assert datasets.class_alias(category) == alias


def test_a_pair_owns_its_arrays(shared_root):
    pairs = datasets.load("spair", shared_root, "test")
    pairs[0].source_keypoints[:] = 0
    pairs[0].source_box[:] = 0
    assert pairs[0].source_keypoints.any()
    assert pairs[0].source_box.any()
