"""Options that several commands share."""

import math

import pytest

from sd4match.errors import SD4MatchError
from study.commands.options import points


def test_points_are_shares():
    assert points(None, "--margin") is None
    assert points(1.5, "--margin") == 0.015


@pytest.mark.parametrize("wrong", [0, -1, 100, math.inf, math.nan])
def test_impossible_points_are_one_line(wrong):
    with pytest.raises(
        SD4MatchError, match="--effect: expected percentage points above 0"
    ) as error:
        points(wrong, "--effect")
    assert "\n" not in str(error.value)
