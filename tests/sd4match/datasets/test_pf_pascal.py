"""Reading PF-Pascal."""

import numpy as np
import pytest
from scipy.io import savemat

from sd4match import datasets
from sd4match.datasets import benchmark
from sd4match.errors import SD4MatchError


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


PASCAL_MAT = "pf-pascal/PF-dataset-PASCAL/Annotations/bicycle/2008_000001.mat"


def fails(name, root, split, *words, **options):
    with pytest.raises(SD4MatchError) as caught:
        datasets.load(name, root, split, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("flip", ["2", "-1", "yes", ""])
def test_wrong_flips(root, flip):
    path = root / "pf-pascal" / "trn_pairs.csv"
    path.write_text(path.read_text().replace("2,1\n", f"2,{flip}\n"))
    fails("pf_pascal", root, "train", f"{path}, line 3", "'flip'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"bbox": [[1, 2, 3, 4]]}, ("'kps'", "K x 2")),
        ({"kps": np.zeros((2, 3)), "bbox": [[1, 2, 3, 4]]}, ("'kps'", "K x 2")),
        ({"kps": np.full((4, 2), np.inf), "bbox": [[1, 2, 3, 4]]}, ("'kps'",)),
        ({"kps": "text", "bbox": [[1, 2, 3, 4]]}, ("'kps'",)),
        ({"kps": np.zeros((4, 2))}, ("'bbox'", "x1, y1, x2, y2")),
        ({"kps": np.zeros((4, 2)), "bbox": [[1, 2, 3]]}, ("'bbox'",)),
        ({"kps": np.zeros((4, 2)), "bbox": [[1, 2, 3, np.nan]]}, ("'bbox'",)),
        ({"kps": np.zeros((3, 2)), "bbox": [[1, 2, 3, 4]]}, ("has 3;", "2008_000002.mat has 4")),
    ],
)
def test_wrong_matlab_content(root, content, words):
    savemat(root / PASCAL_MAT, content)
    fails("pf_pascal", root, "test", str(root / PASCAL_MAT), *words)
