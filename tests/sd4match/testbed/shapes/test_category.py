"""The categories of the generated benchmark."""

from sd4match.testbed.shapes.category import CATEGORIES


def test_eight_categories_or_more_with_six_to_fourteen_keypoints():
    assert len(CATEGORIES) >= 8
    for category in CATEGORIES.values():
        assert 6 <= len(category.keypoints) <= 14
        assert len(set(category.keypoints)) == len(category.keypoints)
