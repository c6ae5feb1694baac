"""The importance of axes as bars."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.figures import importance


def frame(rows):
    return pd.DataFrame(rows, columns=["axis", "other", "kind", "value", "low", "high"])


def test_importance_draws_axes_and_pairs_by_size():
    share = "share of variance"
    found = frame(
        [
            ("layer", None, share, 0.2, 0.1, 0.3),
            ("timestep", None, share, 0.5, 0.4, 0.6),
            ("timestep", "layer", share, 0.3, np.nan, np.nan),
        ]
    )
    figure = importance.importance(found, of="mean validation PCK@0.1")
    panel: Any = figure.axes[0]
    assert [bar.get_width() for bar in panel.patches] == pytest.approx([50, 30, 20])
    names = [text.get_text() for text in panel.get_yticklabels()]
    assert names == ["timestep", "timestep × layer", "layer"]
    assert panel.patches[0].get_facecolor() != panel.patches[1].get_facecolor()
    assert panel.get_xlabel() == "share of variance (%)"
    segments = panel.collections[0].get_segments()
    bars = [segment[:, 0].tolist() for segment in segments if len(segment)]
    assert bars == [pytest.approx([40, 60]), pytest.approx([10, 30])]


def test_importance_of_many_axes_says_what_it_leaves_out():
    found = frame([(f"axis {i}", None, "largest difference", i / 100, 0, 1) for i in range(20)])
    figure = importance.importance(found)
    assert len(figure.axes[0].patches) == 15
    assert "5 smaller ones, at most 4.0" in figure.get_supxlabel()
    assert figure.axes[0].get_xlabel() == "largest difference (points)"
    with pytest.raises(SD4MatchError, match="no effect"):
        importance.importance(found.assign(value=np.nan))
