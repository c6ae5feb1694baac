"""Hashes of image files."""

import pytest

from sd4match import datasets
from sd4match.datasets import image_hashes
from sd4match.errors import SD4MatchError


def test_image_hashes_are_kept_on_disk(root, monkeypatch):
    before = datasets.load("spair", root, "test").fingerprint
    image_hashes._hash.cache_clear()
    monkeypatch.setattr(image_hashes, "_hash", None)  # hashing would fail
    assert datasets.load("spair", root, "test").fingerprint == before


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"JPEGImages/cat/2007_000001.jpg": 3}'])
def test_damaged_image_hashes_are_made_again(root, damage):
    before = datasets.load("spair", root, "test").fingerprint
    (root / "SPair-71k/.sd4match/contents2.json").write_bytes(damage)
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
