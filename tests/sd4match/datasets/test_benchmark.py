"""Names of categories."""

import pytest

from sd4match import datasets


@pytest.mark.parametrize(
    ("category", "name", "alias"),
    [
        ("car(G)", "car", "car"),
        ("winebottle(wC)", "winebottle", "bottle"),
        ("duck(S)", "duck", "duck"),
        ("motorbike(M)", "motorbike", "motorbike"),
        ("cat", "cat", "cat"),
        ("bottle", "bottle", "bottle"),
    ],
)
def test_names_of_objects_and_classes(category, name, alias):
    assert datasets.object_name(category) == name
    assert datasets.class_alias(category) == alias
