"""A planned launch that computes nothing."""

import json

import pytest

from study.engine.work import pending
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
