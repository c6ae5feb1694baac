"""Metrics of configurations, from the table of results."""

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.rows import value


def test_value_by_configuration(made):
    cells, samples = made
    found = value(cells, "spair/val/pck@0.1")
    assert list(found.index) == list(cells["configuration"].unique())
    assert found["t1"] == pytest.approx(samples("t1", "spair", "val", 0.1).pck.mean())
    assert value(cells, "spair/val/pck@0.1/point")["t1"] == pytest.approx(found["t1"] + 0.01)


def test_mean_is_over_the_data_sets_that_have_the_split(made, lose):
    cells, _ = made
    both = [value(cells, f"{d}/val/pck@0.1")["l0"] for d in ("pf_pascal", "spair")]
    assert value(cells, "mean/val/pck@0.1")["l0"] == pytest.approx(np.mean(both))
    # A mean over fewer data sets is no mean over all.
    partly = value(lose(cells, "l0", "spair"), "mean/val/pck@0.1")
    assert np.isnan(partly["l0"])
    assert np.isfinite(partly["t1"])


def test_what_was_not_measured_is_said(made):
    with pytest.raises(SD4MatchError, match=r"does not measure spair/val/pck@0.2; nearest: spair"):
        value(made[0], "spair/val/pck@0.2")
