"""Means over seeds in figures, and the warning about a single training seed."""

import numpy as np
import pytest

from study.figures.kinds import KINDS, applicable
from study.figures.measured import closing, intervals, ordered
from study.space import labels

pytestmark = pytest.mark.slow


def note(figure):
    return " ".join(figure._supxlabel.get_text().split()) if figure._supxlabel else ""


def test_every_figure_shows_settings_not_seeds(seeded):
    alpha, place = 0.1, ("spair", "test")
    keys = list(seeded.seeds_of(seeded.baseline).values())
    assert len(keys) == 2
    mean = 100 * np.mean([seeded.samples(key, *place, alpha).pck.mean() for key in keys])
    (found,) = intervals(seeded, [seeded.baseline], [place], [alpha])["pck"]
    assert found == pytest.approx(mean)
    drawn = {view.stem: view.draw() for view in applicable(seeded) if view.kind.reads == "scores"}
    assert {stem.split("-")[0] for stem in drawn} >= {"axis", "heatmap", "kernel", "alphas",
                                                      "curves", "pareto", "families"}  # fmt: skip
    for stem, figure in drawn.items():
        assert labels.ONE_SEED not in note(figure), stem
        assert "Means over seeds." in note(figure), stem
    heat = drawn["heatmap-prompt-layer"] if "heatmap-prompt-layer" in drawn else seeded.plot(
        "heatmap", "prompt", "layer"
    )  # fmt: skip
    shown = heat.axes[0].collections[0].get_array().ravel()
    assert np.isclose(shown, mean).sum() == 1
    assert len(drawn["curves"].axes[0].lines) == 2  # two lengths, whatever their seeds
    texts = [text.get_text() for text in drawn["curves"].legends[0].get_texts()]
    assert not any("seed" in text for text in texts)
    with pytest.raises(Exception, match="unknown axis 'seed'"):
        seeded.plot("heatmap", "seed", "layer")


def test_one_training_seed_is_said_below_every_figure(factorial):
    for view in applicable(factorial):
        if view.kind.reads == "scores":
            figure = view.draw()
            assert labels.ONE_SEED in note(figure), view.stem
    empty = [key for key, row in factorial.configurations().iterrows() if row["prompt"] == "empty"]
    assert labels.ONE_SEED not in closing(factorial, empty)
    assert set(KINDS) >= {view.kind.name for view in applicable(factorial)}


def test_true_and_false_keep_their_order():
    table = {
        name: {"l2_normalize": value}
        for name, value in zip("abc", (True, None, False), strict=True)
    }
    assert ordered(table, "l2_normalize", "abc") == [True, False]
    assert ordered({"a": {"kernel": 7.0}, "b": {"kernel": 3.0}}, "kernel", "ab") == [3, 7]
