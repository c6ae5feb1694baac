"""The time left of a launch: known when every kind of stage was timed."""

import pytest

from study.launch.progress import Progress
from study.store import timings

from .conftest import of, text


@pytest.mark.slow
def test_time_left_is_known_when_every_kind_was_timed_and_shrinks(launch):
    progress, _, items, store = launch
    assert "time left: unknown" in text(progress)
    machine = of(items, "tune").stages[0].machine
    for kind in ("latents", "tune", "predict"):
        store.timings.record(machine, kind, key="a", tflop=1.0, seconds=1000.0)
    progress._time._read = -1e9  # as after some seconds
    low, high = progress.snapshot()["left"]
    assert 0 < low < high
    progress.started(2)
    half = progress.snapshot()["left"]
    assert low / 2 <= half[0] < low
    assert high / 2 < half[1] < high
    for work in items:
        progress.begun(work)
        progress.event("done", work, "")
    assert progress.snapshot()["left"] == [0, 0]


def test_a_search_counts_on_what_it_will_propose(launch, space):
    _, plan, items, store = launch
    machine = of(items, "tune").stages[0].machine
    store.timings.record(machine, "tune", key="a", tflop=1.0, seconds=100.0)
    searching = Progress(space, store, plan, {(machine, "tune"): 5.0})
    assert searching.snapshot()["left"] == [5 * 100 / timings.MARGIN, 5 * 100 * timings.MARGIN]
