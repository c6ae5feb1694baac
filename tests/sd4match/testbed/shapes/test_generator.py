"""The generated trees: layouts, counts, splits, idempotency."""

import hashlib

import pytest

from sd4match.errors import SD4MatchError
from sd4match.testbed.shapes import generate
from sd4match.testbed.shapes.data_sets import write_pf_willow, write_spair

SCALE = 0.2


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "data"
    return root, generate(root, scale=SCALE)


def _digest(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_the_same_again_is_left_alone(tree):
    root, manifest = tree
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert generate(root, scale=SCALE) == manifest
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tree, tmp_path):
    (tmp_path / "empty").mkdir()
    generate(tmp_path / "empty", scale=SCALE)  # an empty folder is as good as none
    assert _digest(tmp_path / "empty") == _digest(tree[0])
    write_pf_willow(tmp_path / "other", seed=1, scale=SCALE)
    assert not set(_digest(tmp_path / "other").values()) & set(_digest(tree[0]).values())


@pytest.mark.slow
def test_a_larger_benchmark_contains_the_smaller_ones_images(tree, tmp_path):
    write_spair(tmp_path, seed=0, scale=0.25)
    larger, smaller = _digest(tmp_path), _digest(tree[0] / "SPair-71k")
    images = [name for name in smaller if name.startswith("JPEGImages")]
    assert len(images) < sum(name.startswith("JPEGImages") for name in larger)
    assert all(smaller[name] == larger[name] for name in images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1, "scale": SCALE}, "holds shapes version 1, seed 0, scale 0.2, not"),
        ({"scale": 0.5}, "name another folder or delete it"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"scale": 0.0}, "scale above 0"),
    ],
)
def test_another_benchmark_is_not_overwritten(tree, options, message):
    with pytest.raises(SD4MatchError, match=message):
        generate(tree[0], **options)


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"seed": 0}'])
def test_a_foreign_folder_is_not_touched(tmp_path, manifest):
    (tmp_path / "thesis.tex").write_text("42")
    if manifest is not None:
        (tmp_path / "shapes.json").write_text(manifest)
    with pytest.raises(SD4MatchError, match="else than a shapes benchmark"):
        generate(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "42"


@pytest.mark.slow
def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr("sd4match.testbed.shapes.benchmark_formats.write_captions", fail)
    with pytest.raises(OSError, match="disk full"):
        generate(tmp_path / "data", scale=0.1)
    assert list(tmp_path.iterdir()) == []
