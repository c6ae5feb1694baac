"""The three data sets' styles."""

import numpy as np
import pytest

from sd4match.testbed.shapes.annotated_drawing import draw
from sd4match.testbed.shapes.style import STYLES, named_rng


@pytest.mark.slow
def test_styles_differ():
    """SPair varies in scale and view and is noisy; PF-Willow is saturated on plain paper."""
    shown = {
        style: [draw("car", style, named_rng(7, style, i)) for i in range(20)] for style in STYLES
    }

    def spread(style, value):
        return np.std([value(drawing) for drawing in shown[style]])

    def saturation(style):
        return np.mean([np.asarray(d.image.convert("HSV"))[..., 1].mean() for d in shown[style]])

    def fraction(drawing):
        return drawing.mask.mean()

    assert spread("spair", lambda d: d.view.yaw) > spread("pf_pascal", lambda d: d.view.yaw)
    assert spread("pf_pascal", lambda d: d.view.yaw) > spread("pf_willow", lambda d: d.view.yaw)
    assert spread("spair", fraction) > spread("pf_willow", fraction)
    assert saturation("pf_willow") > saturation("spair") > saturation("pf_pascal")
    assert any(drawing.occlusion > 0 for drawing in shown["spair"])
    assert any(drawing.truncation > 0.05 for drawing in shown["spair"])
    assert not any(drawing.occlusion > 0 for drawing in shown["pf_willow"])
