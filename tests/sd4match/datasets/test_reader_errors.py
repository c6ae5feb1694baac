"""Every mistake is one line that names the file and tells what was expected."""

import json
import shutil

import numpy as np
import pytest
from scipy.io import savemat

from sd4match import datasets
from sd4match.errors import SD4MatchError

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
    fails(name, shared_root / folder, "test", "is the", "give the folder that holds it")
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


@pytest.mark.parametrize("value", ["nan", "inf", "", "12;5", "x"])
def test_wrong_numbers_in_pf_willow(root, value):
    path = root / "pf-willow" / "test_pairs.csv"
    head, first, second = path.read_text().splitlines()
    cells = second.split(",")
    cells[head.split(",").index("XB3")] = value
    path.write_text("\n".join([head, first, ",".join(cells)]))
    fails("pf_willow", root, "test", f"{path}, line 3", "'XB3'")


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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("src_kps", [[1, 2]]),
        ("trg_kps", [[1, 2], [3, None]]),
        ("src_kps", [[1, 2], [3]]),
        ("src_kps", None),
        ("kps_ids", ["a", "b"]),
        ("kps_ids", "12"),
        ("kps_ids", None),
        ("src_bndbox", [1, 2, 3]),
        ("trg_bndbox", {"x": 1}),
        ("src_imsize", [40]),
        ("trg_imname", 7),
        ("category", "dog"),
        ("category", "kat"),
        ("category", None),
        ("occlusion", "much"),
    ],
)
def test_wrong_json_content(root, field, value):
    path = root / SPAIR_JSON
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    fails("spair", root, "test", str(path), field)


@pytest.mark.parametrize("field", ["src_kps", "trg_imsize", "kps_ids", "category", "src_bndbox"])
def test_missing_json_fields(root, field):
    path = root / SPAIR_JSON
    content = json.loads(path.read_text())
    del content[field]
    path.write_text(json.dumps(content))
    fails("spair", root, "test", str(path), f"missing {field}")
    path.write_text("[]")
    fails("spair", root, "test", str(path), "missing")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("000000-2007_000001-2007_000002", ("line 1", "<number>-<source>-<target>:<category>")),
        ("../secrets:cat", ("line 1", "expected")),
        ("000000-2007_000001-2007_000002:catt", ("line 1", "did you mean 'cat'?")),
        ("000000-2007_000001-2007_000002:person", ("missing file", ":person.json")),
    ],
)
def test_wrong_lines_in_spairs_list(root, line, words):
    path = root / SPAIR_LIST
    path.write_text(path.read_text().replace(SPAIR_ID, line))
    fails("spair", root, "test", *words)


def test_blank_lines_are_no_mistake(root):
    path = root / SPAIR_LIST
    path.write_text("\n" + path.read_text().replace("\n", "\n\n"))
    assert len(datasets.load("spair", root, "test")) == 3


def test_images_that_cannot_be_loaded(root):
    pair = datasets.load("spair", root, "test")[0]
    path = root / SPAIR_JPG
    with pytest.raises(SD4MatchError, match="unknown side 'left'"):
        datasets.load_image(pair, "left")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SD4MatchError, match=r"2007_000001\.jpg: expected a readable image"):
        datasets.load_image(pair, "source")
    shutil.copy(pair.target_path, path)
    with pytest.raises(SD4MatchError, match="35x45, but its annotation is for 40x30"):
        datasets.load_image(pair, "source")
    path.unlink()
    with pytest.raises(SD4MatchError, match=r"2007_000001\.jpg: missing image"):
        datasets.load_image(pair, "source")
    assert datasets.load_image(pair, "target").size == pair.target_size
