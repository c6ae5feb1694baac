"""Single pairs: those that are shown, and where their keypoints are drawn."""

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from study.figures import examples
from study.figures.predictions import predicted


@pytest.mark.slow
def test_the_largest_gains_and_worst_losses_are_chosen(factorial):
    best = factorial.best().name
    own, base = (predicted(factorial, k, "spair", "test") for k in (best, factorial.baseline))
    gap = own.shares(0.1) - base.shares(0.1)
    gains, losses = examples.extremes(gap, own.pairs["target"].tolist(), most=3)
    assert gap[gains[0]] == np.nanmax(gap)
    assert (np.diff(gap[gains]) <= 0).all()
    assert (gap[gains] > 0).all()
    assert (gap[losses] < 0).all()
    targets = own.pairs["target"].iloc[gains]
    assert targets.is_unique


@pytest.mark.slow
def test_keypoints_are_drawn_where_they_were_predicted(factorial):
    best = factorial.best().name
    own, base = (predicted(factorial, k, "spair", "test") for k in (best, factorial.baseline))
    gap = own.shares(0.1) - base.shares(0.1)
    first = examples.extremes(gap, own.pairs["target"].tolist(), most=1)[0][0]
    figure = factorial.plot("examples", "spair")
    source, *targets = figure.axes[:3]
    of = own.truth.pair == first
    assert len(source.lines) == of.sum()
    for panel, found in zip(targets, (base, own), strict=True):
        right = found.correct(0.1)[of]
        discs, crosses, ways = (
            [line for line in panel.lines if line.get_marker() == mark]
            for mark in ("o", "x", "None")
        )
        assert [len(discs), len(crosses), len(ways)] == [
            right.sum(),
            (~right).sum(),
            (~right).sum(),
        ]
        drawn = np.array([line.get_xydata()[0] for line in crosses]).reshape(-1, 2)
        assert drawn == pytest.approx(found.positions[of][~right])
        ends = np.array([line.get_xydata()[-1] for line in ways]).reshape(-1, 2)
        assert ends == pytest.approx(own.truth.keypoints[of][~right])
        assert panel.get_title(loc="left").startswith(f"{right.sum()}/{of.sum()}")
    gain = own.shares(0.1)[first] - base.shares(0.1)[first]
    assert source.get_title(loc="left").startswith(f"+{100 * gain:.0f}")


@pytest.mark.slow
def test_without_the_images_it_says_where_to_draw(factorial, monkeypatch, tmp_path):
    from study.figures import predictions

    monkeypatch.setattr(predictions, "root_of", lambda _: tmp_path / "gone")
    with pytest.raises(SD4MatchError, match="examples needs the data set's images"):
        factorial.plot("examples")
    with pytest.raises(SD4MatchError, match="images of spair are not on this machine"):
        factorial.plot("examples", "spair")
    with pytest.raises(SD4MatchError, match="images of spair are not on this machine"):
        predictions.pairs_of(factorial, "spair", "test", None)


def test_other_images_are_refused(factorial):
    from study.figures.predictions import pairs_of

    _, pairs = factorial.folder.store.read_truth(str(factorial.index["data"].iloc[0]))
    with pytest.raises(SD4MatchError, match="holds another pf_pascal"):
        pairs_of(factorial, "pf_pascal", "val", pairs.head(1).assign(target="0" * 20))
