"""Lists of pairs in CSV files, with their mistakes."""

import pytest

from sd4match import datasets
from sd4match.errors import SD4MatchError


def fails(name, root, split, *words, **options):
    with pytest.raises(SD4MatchError) as caught:
        datasets.load(name, root, split, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("name", "split", "column"),
    [
        ("pf_pascal", "test", "class"),
        ("pf_pascal", "val", "target_image"),
        ("pf_pascal", "train", "flip"),
        ("pf_willow", "test", "YB7"),
        ("pf_willow", "test", "imageA"),
    ],
)
def test_missing_columns(root, name, split, column):
    stem = "trn" if split == "train" else split
    path = root / name.replace("_", "-") / f"{stem}_pairs.csv"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head.replace(column, "unheard_of"), *lines]))
    fails(name, root, split, str(path), f"missing column '{column}'", "expected")


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("pf_pascal", "jpg,2,", "jpg,0,", ("line 2", "1 to 20", "'class'", "found '0'")),
        ("pf_pascal", "jpg,20,", "jpg,21,", ("line 3", "1 to 20", "found '21'")),
        ("pf_pascal", "jpg,2,", "jpg,bicycle,", ("line 2", "found 'bicycle'")),
        ("pf_pascal", "jpg,2,", "jpg,,", ("line 2", "expected a value in column 'class'")),
        ("pf_pascal", "jpg,20,1,2,3,4", "jpg", ("line 3", "'class'")),
        ("pf_willow", "car(G)/Cars_1", "car/Cars_1", ("line 2", "'car'", "car(G)")),
        ("pf_willow", "car(G)/Cars_1", "car(M)/Cars_1", ("line 2", "car(M) and car(G)")),
        ("pf_willow", "PF-dataset/car(G)/", "", ("line 2", "<sub-class>/<image>")),
    ],
)
def test_wrong_values_in_a_list(root, name, old, new, words):
    path = root / name.replace("_", "-") / "test_pairs.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    fails(name, root, "test", str(path), *words)
