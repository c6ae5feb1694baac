"""Readouts as settings."""

from sd4match.matching.readout import LOCALIZERS, Readout

SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0, 15.0)


ALL = [*(Readout(name) for name in LOCALIZERS[:3]), *(Readout(kernel_sigma=s) for s in SIGMAS)]


def test_one_setting_has_one_name():
    assert Readout("nearest", 3, 0.1) == Readout("nearest", None, None)
    assert Readout("softmax", 3, 0.1) == Readout("softmax", 7, 0.1)
    assert Readout(kernel_sigma=7) == Readout(kernel_sigma=7.0)
    assert len(set(ALL)) == len(sorted(ALL)) == 11
