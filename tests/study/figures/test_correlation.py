"""Correlation maps of one pair under several prompts."""

import numpy as np
import pytest

from study.figures import correlation

from .conftest import make

UNTRAINED = """
design: factorial
baseline: {prompt: text, ensemble: 1, kernel: 3}
axes: {prompt: [empty, text], layer: [0, 1]}
data: {evaluate: [pf_pascal]}
"""


@pytest.mark.slow
def test_correlation_maps_of_every_prompt(shapes_root, tmp_path):
    study = make(tmp_path, shapes_root, UNTRAINED)
    found = correlation.prompts_of(study)
    assert list(found) == ["text", "empty"]
    figure = study.plot("correlation", "pf_pascal")
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert [t for t in titles if t in found] == ["text", "empty"] * 2
    maps = [panel.images[-1].get_array() for panel in figure.axes if len(panel.images) == 2]
    assert len(maps) == 4
    assert all(np.isfinite(each).all() and np.ptp(each) > 0 for each in maps)
    assert not np.allclose(maps[0], maps[1])


def test_the_keypoints_that_prompts_disagree_on_are_shown():
    truth = np.zeros((4, 2))
    positions = np.zeros((2, 4, 2))
    positions[0, 1] = 5
    positions[1, 3] = 9
    positions[:, 2] = 30  # both wrong: nothing to see
    assert correlation.most_different(positions, truth, 2) == [1, 3]
