"""The lines that a launch prints, beside a live view and without one."""

import io

import pytest
from rich.console import Console

from study.engine.work import Work
from study.launch.terminal import Lines, animated
from study.plan.plan import Plan

WORK = Work("predict", "4f2a", "predict text t=50", ())
FIRST = Work("preflight", "preflight", "preflight: one pair", ())


@pytest.fixture
def printed():
    """A function: the lines for some events, without the clock."""

    def of(*events, live):
        file = io.StringIO()
        lines = Lines(Console(file=file, width=200), live=live)
        lines.planned(Plan(), [WORK])
        for event in events:
            lines.event(*event)
        return [line.partition(" s  ")[2] for line in file.getvalue().splitlines()]

    return of


EVENTS = (
    ("start", FIRST, ""), ("done", FIRST, ""), ("start", WORK, ""),
    ("retry", WORK, "its worker was killed"), ("done", WORK, "2.0 s on here"),
    ("failed", WORK, "Traceback\nOSError: truncated image"),
)  # fmt: skip


def test_without_a_live_view_every_item_that_ends_has_a_line(printed):
    lines = [line.split() for line in printed(*EVENTS, live=False)]
    assert [" ".join(line) for line in lines] == [
        "preflight: one pair",
        "retry predict text t=50: its worker was killed",
        "done 1/1 predict text t=50: 2.0 s on here",
        "FAILED predict text t=50: OSError: truncated image",
    ]


def test_beside_a_live_view_only_the_rest_is_printed(printed):
    assert [line.split()[0] for line in printed(*EVENTS, live=True)] == ["retry", "FAILED"]


def test_a_file_is_no_live_view():
    assert not animated(Console(file=io.StringIO()))
