"""Differences to the baseline by category."""

import itertools

import numpy as np
import pandas as pd
import pytest

from study.analysis.statistics.stats import PairSamples, difference
from study.figures import categories


def test_rows_are_differences_of_a_categorys_pairs(made):
    _, samples = made
    own, base = (samples(name, "spair", "test", 0.1) for name in ("l0", "base"))
    found = categories.differences({0: own}, {0: base}, ["bike", "cat", "dog"])
    assert found["category"].iloc[0] == "all"
    assert set(found["category"][1:]) == {"bike", "cat", "dog"}
    assert found["effect"][1:].is_monotonic_decreasing
    cats = own.category == 1
    row = found.set_index("category").loc["cat"]
    assert row["effect"] == pytest.approx(100 * (own.pck[cats] - base.pck[cats]).mean())
    assert (row["pairs"], row["pck"]) == (cats.sum(), pytest.approx(100 * own.pck[cats].mean()))
    whole = difference(own, base)
    assert found["effect"].iloc[0] == pytest.approx(100 * whole.effect)


def test_a_category_that_one_image_dominates_says_that_it_cannot_be_told():
    source, target = np.array([0, 0, 0, 4, 6, 8]), np.array([1, 2, 3, 5, 7, 9])
    category = np.array([0, 0, 0, 1, 1, 1])
    base, own = (
        PairSamples(np.array(pck), source, target, category)
        for pck in ([0.5, 0.4, 0.3, 0.2, 0.5, 0.9], [0.6, 0.6, 0.6, 0.3, 0.7, 0.8])
    )
    found = categories.differences({0: own}, {0: base}, ["cat", "dog"])
    cat, dog = (found.set_index("category").loc[name] for name in ("cat", "dog"))
    assert np.isnan([cat["low"], cat["high"], cat["p_holm"]]).all()
    assert np.isfinite([dog["low"], dog["high"], dog["p_holm"]]).all()
    drawn = categories._unbounded({("spair", "test"): found})
    assert drawn == "No interval for cat: nearly all pairs share an image. "


@pytest.mark.slow
def test_bars_are_the_effects_and_lines_the_intervals(factorial):
    figure = factorial.plot("categories", "best")
    panel = figure.axes[-1]
    best = factorial.best().name
    names = [text.get_text() for text in panel.get_yticklabels()]
    own, base = (factorial.samples(key, "spair", "test", 0.1) for key in (best, factorial.baseline))
    bars = [bar.get_width() for bar in panel.patches]
    assert names[0] == "all"
    assert bars[0] == pytest.approx(100 * (own.pck - base.pck).mean())
    low, high = panel.collections[0].get_segments()[0][:, 0]
    gap = difference(own, base)
    assert (low, high) == pytest.approx((100 * gap.low, 100 * gap.high))
    assert "Best on validation" in figure.get_supxlabel()


@pytest.mark.slow
def test_forty_categories_do_not_overlap():
    rng = np.random.default_rng(0)
    n = 41
    effect = np.sort(rng.normal(0, 5, n))[::-1]
    found = pd.DataFrame(
        {"category": ["all", *(f"{'very ' * 9}long category {i}" for i in range(n - 1))],
         "pairs": 9, "base": 50.0, "pck": 50 + effect, "effect": effect, "low": effect - 3,
         "high": effect + 3, "p_holm": rng.uniform(0, 0.1, n)}
    )  # fmt: skip
    figure = categories.categories(
        {("pf_pascal", "test"): found.head(11), ("spair", "test"): found}, measure="PCK@0.1"
    )
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[1].get_yticklabels()]
    assert all(a.y0 >= b.y1 for a, b in itertools.pairwise(boxes))
    assert boxes[0].x0 > figure.axes[0].get_window_extent().x1
    solid = [bar.get_alpha() == 1 for bar in figure.axes[1].patches]
    assert solid == (found["p_holm"] < 0.05).tolist()
