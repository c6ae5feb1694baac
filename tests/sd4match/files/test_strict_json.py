import json
import math
from pathlib import Path

import numpy as np
import pytest

from sd4match.files.strict_json import dumps


def strict(text):
    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_json_does_not_know_is_null(value):
    assert strict(dumps(value)) is None
    content = {"a": [value, 1.5, (value,)], "b": {"c": value}, "d": np.array([value, 2.0])}
    assert strict(dumps(content)) == {"a": [None, 1.5, [None]], "b": {"c": None}, "d": [None, 2.0]}


def test_the_rest_is_as_json_writes_it():
    content = {"text": "é\n", "yes": True, "none": None, "n": [1, 2.5], "e": {}}
    assert dumps(content) == json.dumps(content, indent=2)
    assert strict(dumps({1: Path("a/b"), "x": np.int64(3), (1, 2): np.bool_(True)})) == {
        "1": "a/b", "x": 3, "(1, 2)": True,
    }  # fmt: skip
