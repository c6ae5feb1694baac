"""PCK by alpha."""

import numpy as np
import pytest

from study.figures.alphas import STEPS


@pytest.mark.slow
def test_alphas_draw_curves_through_the_scores(factorial):
    figure = factorial.plot("alphas", "baseline", "best")
    panel = figure.axes[-1]
    curve, points = panel.lines[:2]
    assert len(curve.get_xdata()) == STEPS
    assert (np.diff(curve.get_ydata()) >= 0).all()
    scored = [
        100 * factorial.samples(factorial.baseline, "spair", "test", a).pck.mean()
        for a in (0.05, 0.1, 0.15)
    ]
    assert list(points.get_ydata()) == pytest.approx(scored)
    on_curve = dict(zip(np.round(curve.get_xdata(), 3), curve.get_ydata(), strict=True))
    assert [on_curve[a] for a in (0.05, 0.1, 0.15)] == pytest.approx(scored)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0].startswith("baseline: ")
    assert len(texts) == 2
