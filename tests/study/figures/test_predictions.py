"""Predicted keypoints behind a result."""

import numpy as np
import pytest

from study.figures.predictions import predicted


def test_predictions_give_the_scores_of_pairs(factorial):
    found = predicted(factorial, factorial.baseline, "pf_pascal", "test")
    shares = found.shares(0.1)
    own = factorial.samples(factorial.baseline, "pf_pascal", "test", 0.1)
    assert shares[np.isfinite(shares)] == pytest.approx(own.pck)
