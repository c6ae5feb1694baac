"""Pairs to draw, and what is drawn."""

import dataclasses

import numpy as np
import pytest


@pytest.fixture
def pair(pascal):
    """A pair of two sizes, with three keypoints."""
    pair = pascal["test"][0]
    assert pair.source_size != pair.target_size
    return pair


@pytest.fixture
def unknown(pair):
    """The same without a truth, as a user's own images."""
    return dataclasses.replace(pair, target_keypoints=np.full_like(pair.target_keypoints, np.nan))


@pytest.fixture
def drawn():
    """Where the markers of some axes are, in the data of a frame: {marker: (N, 2)}."""

    def find(axes, frame=None):
        found = {}
        for line in axes.lines:
            if line.get_marker() not in ("None", None) and line.get_transform() == frame:
                found.setdefault(line.get_marker(), []).extend(line.get_xydata().tolist())
        return {marker: np.array(points) for marker, points in found.items()}

    return find
