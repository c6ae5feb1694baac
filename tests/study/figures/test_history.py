"""The course of a search."""

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.figures import history
from study.search.trials import read


def test_history_draws_the_trials_and_the_best_so_far(searched):
    trials, objectives = read(searched)
    assert objectives == {"mean/val/pck@0.1": "maximize", "cost": "minimize"}
    assert len(trials) == 10
    quality, cost, volume = searched.plot("history").axes
    (line,) = volume.lines
    assert line.get_ydata() == pytest.approx(100 * trials["hypervolume"].to_numpy())
    assert (np.diff(line.get_ydata()) >= 0).all()
    assert 0 < line.get_ydata()[0] < line.get_ydata()[-1] < 100
    assert volume.get_ylabel() == "hypervolume (%)"
    best, dots = quality.lines
    values = 100 * trials["mean/val/pck@0.1"].to_numpy()
    assert best.get_ydata() == pytest.approx(np.maximum.accumulate(values))
    assert dots.get_ydata() == pytest.approx(values)
    assert list(dots.get_xdata()) == list(range(1, 11))
    assert cost.lines[0].get_ydata() == pytest.approx(
        1000 * np.minimum.accumulate(trials["cost"].to_numpy())
    )
    assert quality.get_ylabel() == "mean validation PCK@0.1 (%)"
    assert cost.get_ylabel() == "cost (GFLOP per image)"


def test_history_marks_what_has_no_value():
    trials = pd.DataFrame(
        {
            "state": ["COMPLETE", "PRUNED", "COMPLETE", "FAIL", "RUNNING"],
            "warm": [True, False, False, False, False],
            "spair/val/pck@0.1": [0.5, np.nan, 0.4, np.nan, np.nan],
        }
    )
    figure = history.history(trials, {"spair/val/pck@0.1": "maximize"})
    (panel,) = figure.axes
    lines = {line.get_label(): line for line in panel.lines}
    assert list(lines["best so far"].get_ydata()) == [50] * 5
    assert list(lines["from an earlier study"].get_xdata()) == [1]
    assert [list(lines[k].get_xdata()) for k in ("stopped early", "failed", "running")] == [
        [2], [4], [5],
    ]  # fmt: skip
    with pytest.raises(SD4MatchError, match="no trial of this search is finished"):
        history.history(trials.iloc[[1, 4]], {"spair/val/pck@0.1": "maximize"})


def test_history_of_a_search_that_still_runs(searched, tmp_path):
    import shutil

    from study.study import open_study

    copied = shutil.copytree(searched.folder.path, tmp_path / "copied")
    (copied / "search.json").unlink()
    assert len(read(open_study(copied))[0]) == 10
