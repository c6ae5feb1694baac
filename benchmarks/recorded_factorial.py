"""A small factorial of real results, computed once with nano on generated pairs and then kept.

`factorial.py` compares its time with that without sharing; `search.py` replays searches
on it.
"""

from pathlib import Path

from sd4match.testbed.shapes import generate
from study.engine import Workshop, pending
from study.plan import Plan, Planner
from study.space import Space, configurations, load
from study.store import StudyFolder

NAME = "search-benchmark"
FACTORIAL = """\
design: factorial
baseline: {backbone: nano, prompt: single, length: 16, ensemble: 1}
axes:
  prompt: [empty, text, single, class, cpm]
  length: [4, 16, 75]
  timestep: [0, 50, 100, 261, 500]
  layer: [0, 1, 2, 3]
  kernel: [1, 2, 3, 5, 7, 10, 15, 30]
data: {evaluate: [spair], pairs: 60}
recipe: {steps: 40}
"""


def planned(
    results: Path, overrides: list[str], splits: tuple[str, ...] = ("val",)
) -> tuple[Space, Planner, Plan]:
    """The factorial on pairs of its splits, which are made when they are missing."""
    folder = results.resolve() / NAME
    data, file = folder / "data", folder / f"{NAME}.yaml"
    if not data.exists():
        generate(data)
    file.write_text(FACTORIAL)
    space = load(str(file), [f"data.root={data}", f"results={results.resolve()}", *overrides])
    planner = Planner(space)
    return space, planner, planner.plan(configurations(space), splits=splits)


def measure(space: Space, plan: Plan) -> StudyFolder:
    """Run it on this device, one item after the other; what is already computed is kept."""
    written = StudyFolder.of(space)
    written.write_space(space)
    written.write_plan(plan)
    workshop = Workshop(written.store, space.rule)
    for work in pending(plan, written.store):
        print(work.label, flush=True)
        for _ in workshop.do(work):
            pass
    return written
