"""How the suite is spread over processes (pytest-xdist), and what it tells at its end."""

import os
from collections import Counter

# A core a process: set before anything imports torch, and inherited by the commands tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A file stays in one process, which then makes its fixtures once; the slow ones begin.

    So do all end-to-end tests: they share a launched study, and the cores with one Ray at a time.
    """
    groups = {
        item: "end_to_end" if "end_to_end" in item.path.parts else item.location[0]
        for item in items
    }
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    slow = Counter(group for item, group in groups.items() if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[groups[item]])


def pytest_terminal_summary(terminalreporter):
    """What tests left out, by ``record_property("not run", why)``: a worker has no terminal."""
    for report in terminalreporter.getreports("passed"):
        for name, why in report.user_properties:
            if name == "not run":
                terminalreporter.write_line(f"not run: {why}")
