"""Opening splits of data sets."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sd4match import datasets
from sd4match.datasets.benchmarks import check_root
from sd4match.errors import SD4MatchError

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


@pytest.mark.slow
def test_importing_and_opening_needs_no_torch(shared_root):
    code = (
        "import sys; from sd4match import datasets;"
        f"datasets.load('pf_pascal', {str(shared_root)!r}, 'val');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_category_is_its_whole_name(shared_root):
    everything = datasets.load("spair", shared_root, "test")
    cars = datasets.load("spair", shared_root, "test", category="car")
    assert [pair.id for pair in cars] == [p.id for p in everything if p.category == "car"]
    assert everything.categories == ("car", "cat")
    assert cars.categories == ("car",)
    none = datasets.load("spair", shared_root, "test", category="dog")
    assert (len(none), none.categories, list(none)) == (0, (), [])
    assert len(none.fingerprint) == 64


def test_a_pair_owns_its_arrays(shared_root):
    pairs = datasets.load("spair", shared_root, "test")
    pairs[0].source_keypoints[:] = 0
    pairs[0].source_box[:] = 0
    assert pairs[0].source_keypoints.any()
    assert pairs[0].source_box.any()


PASCAL_MAT = "pf-pascal/PF-dataset-PASCAL/Annotations/bicycle/2008_000001.mat"


PASCAL_JPG = "pf-pascal/PF-dataset-PASCAL/JPEGImages/2008_000001.jpg"


WILLOW_PNG = "pf-willow/PF-dataset/car(G)/Cars_1.png"


SPAIR_ID = "000000-2007_000001-2007_000002:cat"


SPAIR_JSON = f"SPair-71k/PairAnnotation/test/{SPAIR_ID}.json"


SPAIR_JPG = "SPair-71k/JPEGImages/cat/2007_000001.jpg"


SPAIR_LIST = "SPair-71k/Layout/large/test.txt"


def fails(name, root, split, *words, **options):
    with pytest.raises(SD4MatchError) as caught:
        datasets.load(name, root, split, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("name", "split", "category", "words"),
    [
        ("pf_pascl", "test", None, ("unknown data set 'pf_pascl'", "did you mean 'pf_pascal'?")),
        ("SPair-71k", "test", None, ("unknown data set 'SPair-71k'", "spair")),
        ("spair", "trn", None, ("unknown split of spair 'trn'", "did you mean 'train'?")),
        ("pf_willow", "train", None, ("unknown split of pf_willow 'train'", "known: test")),
        ("spair", "test", "ca", ("unknown category of spair 'ca'",)),
        ("spair", "test", "sofa", ("unknown category of spair 'sofa'",)),
        ("spair", "test", "aeroplan", ("did you mean 'aeroplane'?",)),
        ("pf_willow", "test", "car", ("unknown category of pf_willow 'car'", "car(G)")),
        ("pf_pascal", "test", "Car", ("unknown category of pf_pascal 'Car'", "'car'")),
    ],
)
def test_unknown_names(shared_root, name, split, category, words):
    fails(name, shared_root, split, *words, category=category)


@pytest.mark.parametrize("name", datasets.NAMES)
def test_missing_folders_say_how_to_make_them(tmp_path, shared_root, name):
    makers = ("sd4match data shapes", "sd4match data download")
    fails(name, tmp_path / "nowhere", "test", str(tmp_path / "nowhere"), *makers)
    fails(name, tmp_path, "test", str(tmp_path), "expected", *makers)
    folder = {"pf_pascal": "pf-pascal", "pf_willow": "pf-willow", "spair": "SPair-71k"}[name]
    fails(name, shared_root / folder, "test", "itself: give the folder above it")
    (tmp_path / folder).mkdir()
    fails(name, tmp_path, "test", str(tmp_path / folder), "missing pair list", *makers)


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("pf_pascal", PASCAL_MAT, ("missing annotation",)),
        ("pf_pascal", PASCAL_JPG, ("missing image",)),
        ("pf_willow", WILLOW_PNG, ("missing image",)),
        ("spair", SPAIR_JSON, ("missing file",)),
        ("spair", SPAIR_JPG, ("missing image",)),
    ],
)
def test_missing_files(root, name, path, words):
    (root / path).unlink()
    fails(name, root, "test", str(root / path), *words)


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00junk", b"not what you think\n"])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("pf_pascal", PASCAL_MAT),
        ("pf_pascal", PASCAL_JPG),
        ("pf_pascal", "pf-pascal/test_pairs.csv"),
        ("pf_willow", WILLOW_PNG),
        ("pf_willow", "pf-willow/test_pairs.csv"),
        ("spair", SPAIR_JSON),
        ("spair", SPAIR_LIST),
    ],
)
def test_broken_files(root, name, path, junk):
    (root / path).write_bytes(junk)
    fails(name, root, "test", str(root / path))


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("data/SPair-71k", "SPair-71k itself: give the folder above it, {}/data, that has it as"),
        ("data/SPair-71k/Layout/large", "inside of {}/data/SPair-71k: give the folder above it"),
        ("new/SPair-71k", "SPair-71k itself: give the folder above it, {}/new"),
        (".", "holds no data set, but {}/data does: give that"),
    ],
)
def test_a_root_that_is_too_deep_or_too_high_is_recognised(tmp_path, shared_root, root, said):
    (tmp_path / "data").symlink_to(shared_root)
    for check in (check_root, lambda place: datasets.load("pf_willow", place, "test")):
        with pytest.raises(SD4MatchError) as error:
            check(tmp_path / root)
        assert said.format(tmp_path) in str(error.value)
        assert "shapes" not in str(error.value).replace(str(tmp_path), "")


def test_a_renamed_data_set_is_recognised_by_its_lists(tmp_path, shared_root):
    (tmp_path / "mine").symlink_to(shared_root / "SPair-71k")
    with pytest.raises(SD4MatchError, match="mine is SPair-71k itself: give the folder above it"):
        check_root(tmp_path / "mine")


@pytest.mark.parametrize("name", ["SPair-71k", "project"])
def test_other_roots_are_left_alone(tmp_path, shared_root, name):
    (tmp_path / name / "root").mkdir(parents=True)
    check_root(tmp_path / name / "root")  # a folder of that name that holds no lists
    check_root(tmp_path / "nowhere")
    (tmp_path / name / "root/SPair-71k").symlink_to(shared_root / "SPair-71k")
    check_root(tmp_path / name / "root")  # a root that lacks some other data set
    (tmp_path / "shapes/pf-willow").mkdir(parents=True)
    (tmp_path / "shapes/shapes.json").touch()
    (tmp_path / "real").mkdir()
    check_root(tmp_path)  # beside the generated benchmark, whose pairs are not meant
