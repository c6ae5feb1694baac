"""Mirroring of points and boxes."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sd4match.datasets.pairs import mirror_box, mirror_points

pytestmark = pytest.mark.slow

coordinate = st.floats(-1000, 2000, allow_subnormal=False)


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
