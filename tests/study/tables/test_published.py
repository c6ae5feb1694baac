"""Published numbers beside a study's own."""

import math

import pytest

from study.tables import published
from study.tables.layout import Layout


@pytest.mark.slow
def test_published_rows_are_left_out_or_marked(answered):
    layout = {"rows": ("prompt",), "columns": ("dataset", "alpha"), "published": True}
    without = answered.pivot(Layout(**layout))
    assert len(without.formatted) == 3
    assert any("24 of 299 pairs of PF-Pascal" in note for note in without.footnotes)
    table = answered.pivot(Layout(**layout, mixed=True))
    rows = table.formatted.set_index("prompt")
    assert rows.loc["SD4Match-CPM, published †", "SPair-71k @0.1"] == "75.5"
    assert rows.loc["SD4Match-CPM, published †", "mean @0.1"] == "84.0"  # of 75.5, 95.2, 81.3
    assert rows.loc["CATs, published †", "SPair-71k @0.05"] == "–"
    assert len(rows) == 3 + len(published.PUBLISHED)
    by_category = answered.pivot(
        Layout(("prompt",), ("category",), published=True, mixed=True)
    ).formatted
    assert by_category.iloc[0].to_dict()["aeroplane"] == "75.3"
    assert math.isclose(sum(published.PUBLISHED[-1].by_category["spair", 0.1].values()) / 18, 75.7,
                        abs_tol=0.3)  # fmt: skip
