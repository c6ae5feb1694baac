"""A planned launch that computes nothing."""

import json
import sys
from types import ModuleType

import pytest

from study.engine.stopping import Halt
from study.engine.work import Outcome, pending
from study.engine.worker import Workshop
from study.launch.progress import Progress
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load
from study.store.store import Store
from study.tables.status import live_lines

SPACE = """
design: factorial
baseline: {prompt: single, length: 2, ensemble: 1, image_size: 32}
axes: {prompt: [text, single], layer: [0, 1]}
data: {evaluate: [pf_pascal, spair], pairs: 2}
recipe: {steps: 16}
"""


@pytest.fixture
def space(tmp_path, shapes_root):
    (tmp_path / "mine.yaml").write_text(SPACE)
    here = [f"data.root={shapes_root}", "device=cpu", "dtype=float32"]
    return load(str(tmp_path / "mine.yaml"), here)


@pytest.fixture
def launch(space, tmp_path):
    """A planned launch: (progress, plan, items, store)."""
    plan, store = Planner(space).plan(configurations(space)), Store(tmp_path / "store")
    progress, items = Progress(space, store, plan, {}), pending(plan, store)
    progress.planned(plan, items)
    return progress, plan, items, store


def text(progress):
    """The live view of a progress."""
    return "\n".join(live_lines(json.loads(json.dumps(progress.snapshot()))))


def of(items, kind, label=""):
    """The first work item of a kind, with a word in its label."""
    return next(work for work in items if work.kind == kind and label in work.label)


WHOLE = """
baseline: {prompt: single, length: 2, ensemble: 1, kernel: 3, image_size: 32}
axes: {prompt: [empty, single]}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 3, batch_size: 2}
"""


@pytest.fixture
def whole(tmp_path, shapes_root):
    """A function: the space of a study that takes a second, with results in a folder."""
    (tmp_path / "whole.yaml").write_text(WHOLE)

    def make(results, *overrides):
        here = [f"data.root={shapes_root}", "device=cpu", "dtype=float32", f"results={results}"]
        return load(str(tmp_path / "whole.yaml"), [*here, *overrides])

    return make


@pytest.fixture(scope="module")
def kept():
    """The backbone of a worker, loaded once."""
    return []


@pytest.fixture
def without_ray(monkeypatch, kept):
    """Let launches compute in this process, one item after the other; Ray is not imported.

    The value is a list of functions, which are called with each item before it is computed.
    """
    before = []

    def launch(work, space, folder, listener, *, allows, check, **options):
        shop, done, left = Workshop(folder.store, space.rule), [], 0
        shop._backbone = kept[0] if kept else shop._backbone
        try:
            for item in (item for items in work for item in items):
                if not allows(item):
                    left += 1
                    continue
                listener.event("start", item, "")
                listener.begun(item)
                for call in before:
                    call(item)
                check()
                for report in shop.do(item):
                    listener.report(item, {"time_this_iter_s": 0.1, "hostname": "here", **report})
                listener.event("done", item, "")
                done.append(item.label)
                kept[:] = [shop._backbone]
        except Halt as halt:
            return Outcome(done, halted=str(halt), left=left)
        return Outcome(done, left=left)

    fake = ModuleType("study.engine.run")
    fake.launch = launch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "study.engine.run", fake)
    return before
