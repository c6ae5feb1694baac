"""Pair sets: what picking pairs does, and what a fingerprint depends on."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sd4match import datasets
from sd4match.datasets import content
from sd4match.datasets.pairs import mirror_box, mirror_points
from sd4match.errors import SD4MatchError

coordinate = st.floats(-1000, 2000, allow_subnormal=False)
picks = st.lists(st.integers(-4, 3), max_size=12)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1), st.integers(1, 2000))
def test_mirroring_twice_changes_nothing(points, width):
    array = np.array(points)
    np.testing.assert_allclose(mirror_points(mirror_points(array, width), width), array, atol=1e-9)
    np.testing.assert_array_equal(mirror_points(array, width)[:, 1], array[:, 1])


@given(coordinate, coordinate, coordinate, coordinate, st.integers(1, 2000))
def test_a_mirrored_box_holds_the_mirrored_corners(x1, y1, x2, y2, width):
    box = np.array([min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)])
    mirrored = mirror_box(box, width)
    assert mirrored[0] <= mirrored[2]
    corners = mirror_points(box.reshape(2, 2), width)
    np.testing.assert_array_equal(
        mirrored.reshape(2, 2), corners[[1, 0]] * [1, 0] + corners * [0, 1]
    )


@given(indices=picks, more=picks)
def test_subsets_hold_the_pairs_picked(shared_root, indices, more):
    pairs = datasets.load("pf_pascal", shared_root, "train")
    subset = pairs.subset(indices)
    assert [pair.id for pair in subset] == [pairs[i].id for i in indices]
    assert subset.categories == tuple(sorted({pairs[i].category for i in indices}))
    again = [i for i in more if -len(subset) <= i < len(subset)]
    chained = subset.subset(again)
    assert [pair.id for pair in chained] == [subset[i].id for i in again]
    # The same pairs in the same order are the same, however they were picked.
    assert chained.fingerprint == pairs.subset([indices[i] for i in again]).fingerprint


@given(one=picks, other=picks)
def test_fingerprints_tell_subsets_apart(shared_root, one, other):
    pairs = datasets.load("pf_pascal", shared_root, "train")
    same_pairs = [pairs[i].id for i in one] == [pairs[i].id for i in other]
    assert (pairs.subset(one).fingerprint == pairs.subset(other).fingerprint) == same_pairs


def test_a_set_is_a_sequence(shared_root):
    pairs = datasets.load("pf_pascal", shared_root, "train")
    assert [pair.id for pair in pairs[1:3]] == [pairs[1].id, pairs[2].id]
    assert pairs[-1].id == pairs[np.int64(3)].id
    assert pairs[:].fingerprint == pairs.fingerprint
    assert repr(pairs) == "<4 pairs of pf_pascal/train>"
    for wrong in (4, -5):
        with pytest.raises(IndexError):
            pairs[wrong]
        with pytest.raises(IndexError):
            pairs.subset([wrong])
    with pytest.raises(TypeError):
        pairs.subset(np.array([True, False]))  # a mask is no list of positions


def test_a_category_is_the_subset_of_its_pairs(shared_root):
    pairs = datasets.load("spair", shared_root, "test")
    cats = datasets.load("spair", shared_root, "test", category="cat")
    assert cats.fingerprint == pairs.subset([0, 2]).fingerprint


def test_a_fingerprint_does_not_depend_on_the_place(shared_root, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(shared_root, moved, ignore=shutil.ignore_patterns(".sd4match"))
    for name in datasets.NAMES:
        here, there = (datasets.load(name, root, "test") for root in (shared_root, moved))
        assert here.fingerprint == there.fingerprint


CHANGES = {
    "src_kps": [[4, 5], [50, 7]],
    "trg_kps": [[7, 8], [9, 11]],
    "kps_ids": ["3", "12"],
    "src_imsize": [41, 30, 3],
    "trg_bndbox": [3, 4, 33, 41],
    "occlusion": 1,
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_fingerprint_depends_on_every_annotation(root, field):
    path = next((root / "SPair-71k" / "PairAnnotation" / "test").glob("000000-*"))
    before = datasets.load("spair", root, "test")
    rest = before.subset([1, 2]).fingerprint
    old = before.fingerprint
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: CHANGES[field]}))
    after = datasets.load("spair", root, "test")
    assert after.fingerprint != old
    assert after.subset([1, 2]).fingerprint == rest


def test_a_fingerprint_depends_on_the_bytes_of_its_images_only(root):
    cats, cars = (
        datasets.load("spair", root, "test", category=c).fingerprint for c in ("cat", "car")
    )
    path = root / "SPair-71k/JPEGImages/cat/2007_000002.jpg"
    path.write_bytes(path.read_bytes() + b"\0")
    assert datasets.load("spair", root, "test", category="cat").fingerprint != cats
    assert datasets.load("spair", root, "test", category="car").fingerprint == cars


def test_flips_and_keypoints_are_in_the_fingerprint(shared_root):
    pairs = datasets.load("pf_pascal", shared_root, "train")
    assert len({pairs.subset([i]).fingerprint for i in range(4)}) == 4


def test_image_hashes_are_kept_on_disk(root, monkeypatch):
    before = datasets.load("spair", root, "test").fingerprint
    content._hash.cache_clear()
    monkeypatch.setattr(content, "_hash", None)  # hashing would fail
    assert datasets.load("spair", root, "test").fingerprint == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"JPEGImages/cat/2007_000001.jpg": 3}'])
def test_damaged_image_hashes_are_made_again(root, damage):
    before = datasets.load("spair", root, "test").fingerprint
    (root / "SPair-71k/.sd4match/contents.json").write_bytes(damage)
    assert datasets.load("spair", root, "test").fingerprint == before


def test_a_content_hash_is_of_the_bytes_now(tmp_path):
    path, copy = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"abc")
    copy.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert datasets.content_hash(path) == datasets.content_hash(str(copy)) == expected
    path.write_bytes(b"abcd")
    assert datasets.content_hash(path) != expected
    with pytest.raises(SD4MatchError, match="nowhere"):
        datasets.content_hash(tmp_path / "nowhere")
