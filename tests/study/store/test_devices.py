"""The kinds of devices that the files of a store record."""

import pytest

from sd4match.backbones import devices
from study.store.devices import devices_of

from ..small_store import drop_predictions, finish


@pytest.mark.slow
def test_results_say_on_which_kinds_of_devices_they_were_computed(
    small_plan, small_store, monkeypatch
):
    keys = {"tunes": list(small_plan.tunes), "predicts": list(small_plan.predicts)}
    here = devices_of(small_store, **keys)
    assert here.keys() == {*small_plan.tunes, *small_plan.predicts}
    (kind,) = {kind for kinds in here.values() for kind in kinds}
    drop_predictions(small_plan, small_store)
    name = devices.processor()
    monkeypatch.setattr(devices, "processor", lambda: "another processor")
    finish(small_plan, small_store)
    there = devices_of(small_store, **keys)
    assert all(there[key] == [kind] for key in small_plan.tunes)
    predicted = {kind for key in small_plan.predicts for kind in there[key]}
    assert predicted == {kind.replace(name, "another processor")}


def test_stages_that_say_nothing_are_left_out(small_store):
    assert devices_of(small_store, tunes=["0" * 20], predicts=["1" * 20]) == {}
