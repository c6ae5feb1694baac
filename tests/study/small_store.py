"""The smallest plan with a tuning, computed without Ray, and what its store holds."""

import shutil

from study.engine.work import pending
from study.engine.worker import Workshop
from study.space.metric import Rule

RULE = Rule((0.1,), "sd4match")
SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1, kernel: 3}
axes: {layer: [1]}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 3, batch_size: 2}
"""


def finish(plan, store, workshop=None):
    """Do all pending work; the reports."""
    workshop = workshop or Workshop(store, RULE)
    return [report for work in pending(plan, store) for report in workshop.do(work)]


def measured(store):
    """File below the store to its bytes, of all that is measured."""
    return {
        str(file.relative_to(store.folder)): file.read_bytes()
        for part in ("tune", "predict", "score", "truth")
        for file in (store.folder / part).rglob("*")
        if file.is_file()
    }


def drop_predictions(plan, store):
    """Remove all predictions; the work that computes them."""
    shutil.rmtree(store.folder / "predict")
    shutil.rmtree(store.folder / "score")
    return [work for work in pending(plan, store) if work.kind == "predict"]


def flip(content):
    return content[:60] + bytes([content[60] ^ 1]) + content[61:]
