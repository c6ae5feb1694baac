"""Learning curves."""

import pandas as pd
import pytest

from study.figures import curves

pytestmark = pytest.mark.slow


def test_every_tuning_is_a_line_in_its_data_sets_panels(factorial):
    found = curves.tunings(factorial)
    assert set(found["label"]) == {
        f"{family}, length={length}" for family in ("single", "class") for length in (4, 16)
    }
    figure = factorial.plot("curves")
    assert [panel.get_title() for panel in figure.axes[:2]] == [
        "learned on PF-Pascal", "learned on SPair-71k",
    ]  # fmt: skip
    for i, panel in enumerate(figure.axes):
        part = found[found["data"] == ("pf_pascal", "spair")[i % 2]]
        name, scale = (("loss", 1), ("val_pck", 100))[i // 2]
        drawn = [list(line.get_ydata()) for line in panel.lines]
        wanted = [
            pytest.approx([scale * v for v in rows[name]])
            for _, rows in part.groupby("label", sort=False)
        ]
        assert drawn == wanted


def test_very_many_prompts_share_the_colours_of_their_families():
    rows = [
        {
            "data": "spair",
            "label": f"{family}, length={n}",
            "step": step,
            "loss": 1.0,
            "val_pck": 0.5,
        }
        for family in ("single", "class")
        for n in range(20)
        for step in (1, 2)
    ]
    figure = curves.curves(pd.DataFrame(rows))
    assert len(figure.axes[0].lines) == 40
    assert len({line.get_color() for line in figure.axes[0].lines}) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["single", "class"]
    assert figure.get_figwidth() == 3.5
