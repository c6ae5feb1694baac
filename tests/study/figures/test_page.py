"""What all figures share."""

import subprocess
import sys

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from study.figures import axis as kind, page


def test_values_far_apart_are_one_step_apart():
    assert list(page.positions([1, 25, 50, 100, 500]).values()) == [0, 1, 2, 3, 4]
    assert list(page.positions([1.0, 3.0, 5.0, 15.0]).values()) == [1, 3, 5, 15]


@pytest.mark.slow
def test_no_window_and_no_global_state(made):
    cells, samples = made
    figure = kind.ablation(cells, samples, axis="layer", baseline="base")
    assert type(figure.canvas) is FigureCanvasAgg
    code = (
        "import matplotlib; before = dict(matplotlib.rcParams); import study.figures.kinds;"
        "import matplotlib.pyplot as plt; assert dict(matplotlib.rcParams) == before;"
        "assert not plt.get_fignums()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
