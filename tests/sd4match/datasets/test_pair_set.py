"""Pair sets: what picking pairs does, and what a fingerprint depends on."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sd4match import datasets

picks = st.lists(st.integers(-4, 3), max_size=12)


@pytest.mark.slow
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


@pytest.mark.slow
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
