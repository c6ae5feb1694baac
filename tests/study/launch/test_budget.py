"""A budget: what it pays for, what may begin, and when it is over."""

import time
from types import SimpleNamespace

import pytest

from study.engine.stopping import Halt
from study.launch.budget import Purse, forecast, in_words, remaining_lines
from study.plan.stored import Duration
from study.space.schema import Budget

from .conftest import of


@pytest.fixture
def purse(launch):
    """A function: the purse of a budget, with the items of a planned launch; its rates are made."""
    _, plan, items, store = launch

    def make(started=0.0, seconds=None, **limits):
        made = Purse(Budget(**limits), store, time.monotonic() - started)
        made.planned(plan, items)
        if seconds is not None:
            made._rate = lambda *of: Duration(seconds, 2 * seconds, "made up")
        return made, items

    return make


def cost(purse, work):
    return sum(purse._loads[work.key].values())


def test_operations_are_counted_when_an_item_begins_and_only_once(purse):
    made, items = purse(tflop=1e9)
    latents, predict = of(items, "latents"), of(items, "predict")
    made, _ = purse(tflop=cost(made, latents) + 0.5 * cost(made, predict))
    assert made.allows(latents)
    assert made.allows(predict) == (cost(made, predict) <= made._budget.tflop)
    made.event("start", latents, "")
    made.event("start", latents, "")
    assert made.allows(latents)  # another try
    assert not made.allows(predict)
    made.check()  # operations end nothing that runs


def test_an_item_begins_if_the_time_suffices_and_a_tuning_while_there_is_any(purse):
    made, items = purse(started=1800, seconds=1.0, hours=1.0)
    predict, tune = of(items, "predict"), of(items, "tune")
    slow = 1801 / cost(made, predict)
    made, _ = purse(started=1800, seconds=slow, hours=1.0)
    assert not made.allows(predict)
    assert made.allows(tune)
    made, _ = purse(started=1800, seconds=0.9 * slow, hours=1.0)
    assert made.allows(predict)
    made, _ = purse(started=1800, hours=1.0)  # nothing was timed: it may begin
    assert made.allows(predict)
    made, _ = purse(started=3601, hours=1.0)
    with pytest.raises(Halt, match="the budget of 1 hour is used up"):
        made.check()


def test_without_a_budget_nothing_is_counted(purse):
    made, items = purse(started=1e9)
    made.check()
    assert all(map(made.allows, items))
    assert made._loads == {}


@pytest.mark.parametrize(
    ("limits", "duration", "workers", "said"),
    [
        ({}, None, 2, []),
        ({"tflop": 50.0}, None, 2, ["budget: 50 of 200 TFLOP, 25% of the work"]),
        ({"tflop": 500.0}, None, 2, ["budget: 500 of 200 TFLOP, 100% of the work"]),
        ({"hours": 1.0}, (3600, 14400), 1, ["budget: 1 h 00 min, 25% to 100% of the work"]),
        ({"hours": 1.0}, (7200, 7200), 1, ["budget: 1 h 00 min, 50% of the work"]),
        (
            {"hours": 0.01}, None, 2,
            ["budget: 36 s, an unknown share of the work: the speed of this device is not known "
             "yet"],
        ),
        (
            {"hours": 1.0}, (1, 2), None,
            ["budget: 1 h 00 min, an unknown share of the work: the workers of the cluster are not "
             "known yet"],
        ),
    ],
)  # fmt: skip
def test_the_forecast(limits, duration, workers, said):
    took = duration and Duration(duration[0], duration[1], "made up")
    numbers = SimpleNamespace(tflop_left=200.0, duration=took)
    assert forecast(Budget(**limits), numbers, workers) == said
    assert forecast(Budget(**limits), SimpleNamespace(tflop_left=0.0, duration=None), 1) == []


def test_words():
    assert in_words(Budget(hours=2, tflop=5000)) == "2 hours and 5,000 TFLOP"
    lines = remaining_lines({str(number): "prompt=text" for number in range(10)})
    assert (lines[0], lines[-1], len(lines)) == ("10 configurations remain:", "  … and 2 more", 10)
    assert remaining_lines({"a": "x=1"})[0] == "1 configuration remains:"
