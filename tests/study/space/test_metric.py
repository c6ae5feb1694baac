"""Names of metrics."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.metric import Metric


@pytest.mark.parametrize(
    "text", ["spair/val/pck@0.1", "pf_willow/test/pck@0.05/point", "mean/test/pck@0.1"]
)
def test_names_round_trip(text):
    assert str(Metric.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("spiar/val/pck@0.1", "did you mean 'spair'"),
        ("pf_willow/val/pck@0.1", "pf_willow has no split 'val'; take test"),
        ("spair/val/pkc@0.1", "did you mean spair/val/pck@0.1"),
        ("spair/val/pck@0", "alpha must be above 0"),
        ("", "for example spair/val/pck@0.1"),
    ],
)
def test_unknown_names_are_met_with_the_nearest(text, near):
    with pytest.raises(SD4MatchError, match=near):
        Metric.parse(text)
