"""The index: answers the second time, and never with what is no longer so."""

import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sd4match import datasets
from sd4match.datasets import index
from sd4match.datasets.verification import verify
from sd4match.errors import SD4MatchError

ALL = [(name, split) for name in datasets.NAMES for split in datasets.SPLITS[name]]
LIST = "Layout/large/test.txt"


def same(one, other):
    assert [pair.id for pair in one] == [pair.id for pair in other]
    for a, b in zip(one, other, strict=True):
        for field in a.__slots__:
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field), err_msg=field)


@pytest.fixture
def unread(monkeypatch):
    """Make any parsing of annotations fail."""

    def forbid():
        def read(*_):
            raise AssertionError("parsed again")

        for parser in (
            "csv.DictReader", "json.loads", "pyarrow.json.read_json", "scipy.io.loadmat",
            "PIL.Image.open",
        ):  # fmt: skip
            monkeypatch.setattr(parser, read)

    return forbid


@pytest.mark.parametrize(("name", "split"), ALL)
def test_the_second_time_nothing_is_parsed(root, unread, name, split):
    first = datasets.load(name, root, split)
    unread()
    same(first, datasets.load(name, root, split))


def test_the_index_lies_beside_the_data(root, fallback_cache):
    _ = datasets.load("spair", root, "test").fingerprint
    names = {path.name for path in (root / "SPair-71k" / ".sd4match").iterdir()}
    assert names == {"spair-test.npz", "contents2.json"}
    assert list(fallback_cache.iterdir()) == []


@pytest.mark.parametrize("obstacle", ["mode", "file"])
def test_data_that_must_not_be_written_is_indexed_elsewhere(root, fallback_cache, unread, obstacle):
    folder = root / "SPair-71k"
    if obstacle == "mode":  # root could write all the same, and must not
        folder.chmod(0o555)
    else:
        (folder / ".sd4match").write_text("in the way")
    try:
        first = datasets.load("spair", root, "test")
        fingerprint = first.fingerprint
        assert not (folder / ".sd4match").is_dir()
        assert {path.name for path in fallback_cache.glob("datasets/*/*")} == {
            "spair-test.npz",
            "contents2.json",
        }
        unread_images = datasets.load("spair", root, "test")
        assert unread_images.fingerprint == fingerprint
        unread()
        same(first, datasets.load("spair", root, "test"))
    finally:
        folder.chmod(0o755)


def test_without_any_place_for_the_index_data_still_opens(root, monkeypatch, caplog):
    (root / "SPair-71k" / ".sd4match").write_text("in the way")
    monkeypatch.setenv("SD4MATCH_CACHE", str(root / "SPair-71k" / LIST))
    assert len(datasets.load("spair", root, "test")) == 3
    assert "SD4MATCH_CACHE" in caplog.text


def test_a_changed_list_is_read_again(root):
    path = root / "SPair-71k" / LIST
    assert len(datasets.load("spair", root, "test")) == 3
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    assert len(datasets.load("spair", root, "test")) == 2


def test_an_annotation_changed_in_place_is_read_again(root):
    path = next((root / "SPair-71k" / "PairAnnotation" / "test").glob("000000-*"))
    datasets.load("spair", root, "test")
    text = path.read_text().replace("[4, 5]", "[3, 5]")
    path.write_text(text)  # of the same size
    os.utime(path, ns=(1, 1))
    assert datasets.load("spair", root, "test")[0].source_keypoints[0].tolist() == [3, 5]


def test_a_file_that_vanished_is_missed(root):
    datasets.load("pf_pascal", root, "test")
    (root / "pf-pascal/PF-dataset-PASCAL/JPEGImages/2009_000003.jpg").unlink()
    with pytest.raises(SD4MatchError, match=r"2009_000003\.jpg: missing image"):
        datasets.load("pf_pascal", root, "test")


def test_stray_files_do_no_harm(root):
    (root / "pf-willow/PF-dataset/.DS_Store").write_text("")
    (root / "pf-willow/PF-dataset/car(G)/dangling.png").symlink_to("nowhere")
    assert len(datasets.load("pf_willow", root, "test")) == 2


def test_another_reader_version_reads_again(root, monkeypatch, unread):
    datasets.load("spair", root, "test")
    monkeypatch.setattr(index, "READER_VERSION", index.READER_VERSION + 1)
    unread()
    with pytest.raises(AssertionError, match="parsed again"):
        datasets.load("spair", root, "test")


@pytest.mark.parametrize("damage", ["empty", "cut", "bits", "text", "foreign"])
def test_a_damaged_index_is_made_again(root, damage, caplog):
    first = datasets.load("pf_willow", root, "test")
    place = root / "pf-willow" / ".sd4match" / "pf_willow-test.npz"
    whole = place.read_bytes()
    if damage == "empty":
        place.write_bytes(b"")
    elif damage == "cut":
        place.write_bytes(whole[: len(whole) // 2])
    elif damage == "bits":
        at = whole.index(b"Cars_1-")
        place.write_bytes(whole[:at] + b"X" + whole[at + 1 :])
    elif damage == "text":
        place.write_text("not an index")
    else:
        np.savez(place, other=np.zeros(3))
    same(first, datasets.load("pf_willow", root, "test"))
    assert "damaged" in caplog.text
    caplog.clear()
    same(first, datasets.load("pf_willow", root, "test"))
    assert "damaged" not in caplog.text


def test_an_index_holds_no_pickles(root):
    datasets.load("spair", root, "test")
    with np.load(root / "SPair-71k/.sd4match/spair-test.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file)


@pytest.mark.slow
def test_many_openings_at_once_agree(root):
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: datasets.load("spair", root, "test"), range(16)))
    for pairs in opened[1:]:
        same(opened[0], pairs)
    folder = root / "SPair-71k" / ".sd4match"
    assert [path.name for path in folder.iterdir()] == ["spair-test.npz"]  # no temporary file left


def test_pairs_and_sets_travel_between_processes(shared_root):
    pairs = datasets.load("pf_pascal", shared_root, "train")
    copy = pickle.loads(pickle.dumps(pairs))
    same(pairs, copy)
    assert copy.fingerprint == pairs.fingerprint
    assert pickle.loads(pickle.dumps(pairs[0])).id == pairs[0].id


@pytest.mark.parametrize(
    "box", [[50, 50, 50, 50], [105, 90, 45, 20], [100, 100, 20, 30], [20, 20, 20, 90]]
)
@pytest.mark.parametrize("side", ["src", "trg"])
def test_boxes_without_width_or_height_are_refused(root, side, box):
    path = next((root / "SPair-71k/PairAnnotation/test").iterdir())
    content = json.loads(path.read_text()) | {f"{side}_bndbox": box}
    path.write_text(json.dumps(content))
    name = {"src": "source", "trg": "target"}[side]
    message = f"{LIST}: pair {path.stem}: the {name} box is {box[0]}, .*is it x, y, width, height"
    with pytest.raises(SD4MatchError, match=message):
        datasets.load("spair", root, "test")
    found = verify("spair", root)
    assert any("is it x, y, width, height" in problem for problem in found.problems)
    assert found.splits["test"].readable == found.splits["test"].pairs - 1


def test_keypoints_in_one_place_are_refused_where_pck_is_measured_by_their_extent(root):
    path = root / "pf-willow/test_pairs.csv"
    head, *rows = [line.split(",") for line in path.read_text().splitlines()]
    rows[1] = [
        "3" if name[:2] in ("XB", "YB") else v for name, v in zip(head, rows[1], strict=True)
    ]
    path.write_text("\n".join(map(",".join, [head, *rows])) + "\n")
    with pytest.raises(SD4MatchError, match=r"pair .*: all its target keypoints lie in one place"):
        datasets.load("pf_willow", root, "test")


def test_companions_of_macos_make_no_index_stale_and_are_no_problem(root, unread):
    before = datasets.load("spair", root, "test")
    for folder in ("PairAnnotation/test", "JPEGImages/cat"):
        for file in list((root / "SPair-71k" / folder).iterdir()):
            (file.parent / f"._{file.name}").write_bytes(b"\0\5\x16\7")
    assert not [problem for problem in verify("spair", root).problems if "._" in problem]
    unread()
    same(before, datasets.load("spair", root, "test"))
