"""Readouts as settings."""

import pytest

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import CELL_LOCALIZERS, Readout, layer_at

SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0, 15.0)


ALL = [*(Readout(name) for name in CELL_LOCALIZERS[:3]), *(Readout(kernel_sigma=s) for s in SIGMAS)]


def test_one_setting_has_one_name():
    assert Readout("nearest", 3, 0.1) == Readout("nearest", None, None)
    assert Readout("softmax", 3, 0.1) == Readout("softmax", 7, 0.1)
    assert Readout(kernel_sigma=7) == Readout(kernel_sigma=7.0)
    assert len(set(ALL)) == len(sorted(ALL)) == 11
    assert Readout("nearest", l2_normalize=False) != Readout("nearest")


def test_l2_normalize_is_true_or_false():
    with pytest.raises(SD4MatchError, match="l2_normalize is 1: it must be True or False"):
        Readout(l2_normalize=1)


@pytest.mark.parametrize("wrong", ["0", "01", "-1", "1.0", "\u0661", "\u00b2", "", "last"])
def test_a_place_has_one_spelling(wrong):
    with pytest.raises(SD4MatchError, match="use output, or the number of a resnet"):
        layer_at(1, wrong)
