"""Reading PF-Willow."""

import numpy as np
import pytest

from sd4match import datasets
from sd4match.errors import SD4MatchError


def test_pf_willow_sub_classes_keypoints_and_repeated_stems(shared_root, genuine):
    pairs = datasets.load("pf_willow", shared_root, "test")
    assert [pair.category for pair in pairs] == ["car(G)", "winebottle(woC)"]
    assert [pair.id for pair in pairs] == ["Cars_1-Cars_2:car(G)", "Cars_1-Cars_2:winebottle(woC)"]
    assert pairs[1].source_id == "PF-dataset/winebottle(woC)/Cars_1.png"
    for i, pair in enumerate(pairs):
        np.testing.assert_array_equal(pair.source_keypoints, genuine["willow_keypoints"][2 * i])
        np.testing.assert_array_equal(pair.target_keypoints, genuine["willow_keypoints"][2 * i + 1])
        assert pair.keypoint_ids.tolist() == list(range(10))
        assert pair.source_box is pair.target_box is None
        assert not pair.flip
        assert pair.attributes == {}


def test_pf_willow_finds_columns_by_name(root):
    path = root / "pf-willow" / "test_pairs.csv"
    before = datasets.load("pf_willow", root, "test")[0]
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("".join(",".join(["extra", *reversed(line)]) + "\r\n" for line in lines))
    after = datasets.load("pf_willow", root, "test")[0]
    np.testing.assert_array_equal(before.source_keypoints, after.source_keypoints)
    assert before.source_id == after.source_id


def fails(name, root, split, *words, **options):
    with pytest.raises(SD4MatchError) as caught:
        datasets.load(name, root, split, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("value", ["nan", "inf", "", "12;5", "x"])
def test_wrong_numbers_in_pf_willow(root, value):
    path = root / "pf-willow" / "test_pairs.csv"
    head, first, second = path.read_text().splitlines()
    cells = second.split(",")
    cells[head.split(",").index("XB3")] = value
    path.write_text("\n".join([head, first, ",".join(cells)]))
    fails("pf_willow", root, "test", f"{path}, line 3", "'XB3'")
