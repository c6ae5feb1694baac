"""How the suite is spread over processes (pytest-xdist), and what it tells at its end."""

import os
from collections import Counter

from xdist.scheduler import LoadScopeScheduling

# Before anything imports torch or Ray, and for the commands that tests start: a core a process;
os.environ.setdefault("OMP_NUM_THREADS", "1")
# where there are more threads after all, those that wait leave their core (spinning took minutes);
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# and Ray's workers do not let everything else go first, for the other process is never idle.
os.environ.setdefault("RAY_worker_niceness", "0")


def pytest_xdist_auto_num_workers(config):
    """A process a core, up to four; a file alone needs no second one."""
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
    """The longest groups first, lest one of them be all that is left."""
    slow = Counter(group(item.nodeid) for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[group(item.nodeid)])


def pytest_terminal_summary(terminalreporter):
    """What tests left out, by ``record_property("not run", why)``: a worker has no terminal."""
    for report in terminalreporter.getreports("passed"):
        for name, why in report.user_properties:
            if name == "not run":
                terminalreporter.write_line(f"not run: {why}")
