"""Time estimates: from what was timed on such a machine, as a range."""

from dataclasses import replace

import pytest

from study.plan.estimates import expected as expected_of
from study.plan.inputs import Machine
from study.store import timings
from study.store.store import Store

CPU = Machine("nano", "f" * 64, "cpu", "float32", 1, 8)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def expected(store, work):
    return expected_of(store.timings.rates({machine for machine, _ in work}), work)


def timed(store, kind, *seconds_a_tflop, machine=CPU):
    for number, seconds in enumerate(seconds_a_tflop):
        store.timings.record(machine, kind, key=f"{kind}{number}", tflop=2.0, seconds=2 * seconds)


def test_nothing_timed_is_unknown_and_no_work_takes_no_time(store):
    assert expected(store, {(CPU, "predict"): 1.0}) is None
    assert expected(store, {}).high == 0


def test_the_range_holds_what_was_seen(store):
    timed(store, "predict", *[10.0] * 18, 1.0, 1000.0)  # two oddities among twenty
    found = expected(store, {(CPU, "predict"): 3.0})
    assert 3 * 1 < found.low < 3 * 10 < found.high < 3 * 1000
    assert "20 predict stages" in found.source


def test_kinds_add_up(store):
    timed(store, "predict", 10.0)
    timed(store, "tune", 100.0)
    found = expected(store, {(CPU, "predict"): 1.0, (CPU, "tune"): 1.0})
    assert found.low == pytest.approx(110 / timings.MARGIN)
    assert found.high == pytest.approx(110 * timings.MARGIN)


def test_a_timed_pass_stands_in_for_kinds_without_times(store):
    timed(store, "predict", 10.0)
    timed(store, timings.PASS, 4.0)
    found = expected(store, {(CPU, "predict"): 1.0, (CPU, "tune"): 1.0})
    assert found.low == pytest.approx((10 + 4) / timings.MARGIN)
    assert found.high == pytest.approx(10 * timings.MARGIN + 4 * timings.AROUND_A_PASS)
    assert "timed pass" in found.source


@pytest.mark.parametrize(
    "change", [{"device": "cuda"}, {"dtype": "float16"}, {"fingerprint": "0" * 64}, {"threads": 2}]
)
def test_another_machine_tells_nothing(store, change):
    timed(store, "predict", 10.0)
    assert expected(store, {(replace(CPU, **change), "predict"): 1.0}) is None


def test_a_damaged_record_is_passed_over(store):
    timed(store, "predict", 10.0)
    (file,) = store.speed.rglob("*.json")
    file.with_name("broken.json").write_text("{")
    assert "1 predict stage already" in expected(store, {(CPU, "predict"): 1.0}).source
