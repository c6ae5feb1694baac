"""Keypoints between original pixels, the model's square and feature cells."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sd4match.matching.keypoints import cells_to_original, square_to_cells, to_square

SIZES = st.tuples(st.integers(2, 2000), st.integers(2, 2000))


def test_square_is_anisotropic():
    square = to_square(np.float32([[30, 10], [60, 20]]), (120, 40), 512)
    np.testing.assert_allclose(square, [[128, 128], [256, 256]])


def test_keypoints_outside_move_to_the_border():
    square = to_square(np.float32([[-3, 0], [500, 40]]), (120, 40), 512)
    np.testing.assert_allclose(square, [[1e-4, 1e-4], [511 - 1e-4, 511 - 1e-4]], atol=1e-9)


def test_the_map_and_the_square_share_their_corners():
    cells = square_to_cells(np.array([[0.0, 0.0], [767.0, 767.0]]), 768, (24, 48))
    np.testing.assert_allclose(cells, [[0, 0], [47, 23]])


def test_the_square_and_the_original_do_not():
    corner = cells_to_original(np.float32([[47, 23]]), (100, 300), 768, (24, 48))
    np.testing.assert_allclose(corner, [[767 * 100 / 768, 767 * 300 / 768]])


def test_a_map_of_one_cell_lies_at_the_corner():
    np.testing.assert_array_equal(cells_to_original(np.zeros((1, 2)), (9, 9), 64, (1, 1)), [[0, 0]])


@pytest.mark.slow
@given(size=SIZES, side=st.integers(64, 1024), w=st.integers(2, 96), u=st.floats(0.01, 0.99))
def test_there_and_back(size, side, w, u):
    point = np.array([[u * size[0] * (1 - 2 / side), u * size[1] * (1 - 2 / side)]])
    cells = square_to_cells(to_square(point, size, side), side, (w, w))
    back = cells_to_original(cells, size, side, (w, w))
    np.testing.assert_allclose(back, point, rtol=1e-6, atol=1e-3)
