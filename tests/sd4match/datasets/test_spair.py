"""Reading SPair-71k."""

import json
from dataclasses import fields

import numpy as np
import pytest

from sd4match import datasets
from sd4match.datasets import spair
from sd4match.datasets.pair_arrays import Columns
from sd4match.errors import SD4MatchError


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


def test_files_parsed_together_give_what_each_alone_gives(root, monkeypatch):
    folder, list_file = root / "SPair-71k", root / "SPair-71k/Layout/large/val.txt"
    read_block = spair._read_block
    blocks = []
    monkeypatch.setattr(
        spair, "_read_block", lambda *a: blocks.append(read_block(*a)) or blocks[-1]
    )
    monkeypatch.setattr(spair, "_BLOCK", 2)
    together = Columns.of(spair.read(folder, list_file))
    assert len(blocks) > 1
    assert all(blocks)
    monkeypatch.setattr(spair, "_read_block", lambda *_: None)
    alone = Columns.of(spair.read(folder, list_file))
    for field in fields(Columns):
        np.testing.assert_array_equal(getattr(together, field.name), getattr(alone, field.name))


SPAIR_ID = "000000-2007_000001-2007_000002:cat"


SPAIR_JSON = f"SPair-71k/PairAnnotation/test/{SPAIR_ID}.json"


SPAIR_LIST = "SPair-71k/Layout/large/test.txt"


def fails(name, root, split, *words, **options):
    with pytest.raises(SD4MatchError) as caught:
        datasets.load(name, root, split, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("src_kps", [[1, 2]]),
        ("trg_kps", [[1, 2], [3, None]]),
        ("src_kps", [[1, 2], [3]]),
        ("src_kps", None),
        ("kps_ids", ["a", "b"]),
        ("kps_ids", "12"),
        ("kps_ids", [0.5, 1.5]),
        ("kps_ids", ["-1", "2"]),
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
