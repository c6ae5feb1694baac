"""Distribution of the tests over processes (pytest-xdist), and notes after the summary."""

import os
from collections import Counter

from xdist.scheduler import LoadScopeScheduling

# Set before anything imports torch or Ray, and for the commands that tests start.
# One thread a process;
os.environ.setdefault("OMP_NUM_THREADS", "1")
# where there are more after all, waiting threads sleep (spinning cost minutes);
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# and Ray's workers keep normal priority, because the other processes are never idle.
os.environ.setdefault("RAY_worker_niceness", "0")


def pytest_xdist_auto_num_workers(config):
    """One process a core, up to four; none extra for a single file."""
    alone = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if alone else min(4, os.cpu_count() or 1)


LAUNCHED = {
    f"tests/study/end_to_end/test_{name}.py"
    for name in ("commands", "failures", "interruption", "launch", "together")
}
"""End-to-end tests that share a launched study."""


def group(nodeid):
    """A file stays in one process, which then makes its fixtures once.

    End-to-end tests are two groups of about the same time: those that share a launched study, and
    those that launch their own. So a process has one Ray at a time.
    """
    file = nodeid.split("::")[0]
    if "/end_to_end/" not in file:
        return file
    return "end_to_end, shared" if file in LAUNCHED else "end_to_end, own"


class ByGroup(LoadScopeScheduling):
    """Gives a whole group to the next process that is free."""

    def _split_scope(self, nodeid):
        return group(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return ByGroup(config, log)


def pytest_collection_modifyitems(items):
    """Start the longest groups first, so that none of them runs alone at the end.

    End-to-end tests take minutes; the others are sorted by how many of them are slow.
    """
    groups = [group(item.nodeid) for item in items]
    slow = Counter(
        g for g, item in zip(groups, items, strict=True) if item.get_closest_marker("slow")
    )
    order = {g: (not g.startswith("end_to_end"), -slow[g]) for g in groups}
    items.sort(key=lambda item: order[group(item.nodeid)])


def pytest_terminal_summary(terminalreporter):
    """Print what tests left out: they say so by ``record_property("not run", why)``."""
    for report in terminalreporter.getreports("passed"):
        for name, why in report.user_properties:
            if name == "not run":
                terminalreporter.write_line(f"not run: {why}")
