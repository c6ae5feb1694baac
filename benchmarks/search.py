"""Regret against device time of searches that share one store: exact inner search and others.

    python -m benchmarks search [--study results/NAME] [--seeds 50] [--slow 10] [--only TEXT]

Searches are replayed on a recorded factorial, a lookup table of real results: a finished study of
``design: factorial`` with val and test, or by default a small one that is measured once with nano
on generated pairs and kept in ``results/search-benchmark``.

All rivals have the same shared store: each tuning and each pass is paid once, and a pass keeps the
answers for every readout setting, whoever asked. So a search over all axes gets the other settings
of a pass for free when it comes to them. Device time is the planner's: the operations of a stage
times the recorded rate of its kind (seconds a TFLOP), as a share of that of the whole grid. Regret
is the best value of the whole table less that of the configuration that the search would choose by
then: on validation, which it chose by, and on test.
"""

import argparse
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

import study
from benchmarks import recorded_factorial
from benchmarks.rivals import Optuna, Rival, in_order, smac
from study.analysis import value
from study.space import AXES, Value
from study.space.search_settings import Point

Key = frozenset[tuple[str, Value]]
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Of the device time of the whole grid: when regret is read."""


@dataclass(frozen=True)
class Table:
    """A recorded factorial.

    Attributes:
        paid, free: axes that vary, and their values.
        prompt: the baseline's family, where the prompt does not vary.
        values: validation and test score of every configuration, by its values on these axes.
        works: keys of the tunings and validation passes behind each.
        seconds: device time of those stages.
    """

    paid: Mapping[str, tuple[Value, ...]]
    free: Mapping[str, tuple[Value, ...]]
    prompt: Value
    values: Mapping[Key, tuple[float, float]]
    works: Mapping[Key, tuple[str, ...]]
    seconds: Mapping[str, float]

    @property
    def top(self) -> tuple[float, float]:
        """The highest validation score, and the highest test score of any configuration."""
        val, test = zip(*self.values.values(), strict=True)
        return max(val), max(test)

    @property
    def total(self) -> float:
        """Device time of the whole grid."""
        return sum(self.seconds.values())


def read(folder: Path, metric: str | None) -> Table:
    """The lookup table of a finished study."""
    finished = study.open(folder)
    configurations, name = finished.configurations(), metric or str(finished.metric)
    scores = pd.DataFrame(
        {split: value(finished.cells, name.replace("/val/", f"/{split}/")) for split in VAL_TEST}
    ).dropna()
    val = finished.index[finished.index["split"] == "val"]
    behind = {
        key: tuple({str(k) for k in (*rows["tune"].dropna(), *rows["predict"])})
        for key, rows in val.groupby("configuration")
    }
    taken: dict[str, tuple[Value, ...]] = {}
    for axis in sorted(AXES, key=lambda axis: axis != "prompt"):  # the prompt first
        found = tuple(dict.fromkeys(plain(v) for v in configurations[axis] if not pd.isna(v)))
        if len(found) > 1:
            taken[axis] = found
    values, works = {}, {}
    for key, row in configurations.loc[scores.index].iterrows():
        point = frozenset((axis, plain(row[axis])) for axis in taken if not pd.isna(row[axis]))
        values[point], works[point] = tuple(scores.loc[key]), behind[str(key)]
    needed = set(itertools.chain.from_iterable(works.values()))
    return Table(
        paid={axis: v for axis, v in taken.items() if AXES[axis].cost != "free"},
        free={axis: v for axis, v in taken.items() if AXES[axis].cost == "free"},
        prompt=plain(configurations["prompt"].iloc[0]),
        values=values,
        works=works,
        seconds=device_time(finished.folder.store.speed, needed),
    )


VAL_TEST = ("val", "test")


def device_time(folder: Path, needed: set[str]) -> dict[str, float]:
    """Seconds of each stage: its operations times the rate of all recorded stages of its kind."""
    kinds: dict[Path, dict[str, dict[str, float]]] = defaultdict(dict)
    for file in folder.glob("*/*.json"):
        kinds[file.parent][file.stem] = json.loads(file.read_text())
    found = {}
    for clocks in kinds.values():
        rate = sum(c["seconds"] for c in clocks.values()) / sum(c["tflop"] for c in clocks.values())
        found |= {key: rate * clock["tflop"] for key, clock in clocks.items() if key in needed}
    if needed - found.keys():
        raise SystemExit(f"{len(needed - found.keys())} stages of the study were never timed")
    return found


def plain(cell: Any) -> Value:
    """A table's cell as an axis' value."""
    found: Value = cell.item() if hasattr(cell, "item") else cell
    return found


@dataclass(frozen=True)
class Step:
    """After a trial: device time and trials so far, and the regrets of what is best by then."""

    seconds: float
    trials: int
    val: float
    test: float


def replay(table: Table, rival: Rival, seed: int, *, exact: bool, limit: int) -> Iterator[Step]:
    """One search, until it has found the best validation score or made ``limit`` trials.

    Args:
        table: answers.
        rival: proposes.
        seed: of the rival.
        exact: whether it proposes the paid axes, and every readout setting is read from the pass.
        limit: the most trials.
    """
    axes = table.paid if exact else {**table.paid, **table.free}
    grid = [tuple(zip(table.free, v, strict=True)) for v in itertools.product(*table.free.values())]
    proposing = rival(axes, prompt=table.prompt, seed=seed)
    done: set[str] = set()
    best, told = (-math.inf, -math.inf), None
    for trials in range(1, limit + 1):
        try:
            point: Point = proposing.send(told)  # type: ignore[attr-defined]
        except StopIteration:
            return
        own = frozenset(point.items())
        points = [own.union(free) for free in grid] if exact else [own]
        found = max(table.values[p] for p in points)
        done.update(table.works[points[0]])
        best, told = max(best, found, key=lambda scores: scores[0]), found[0]
        val, test = (top - mine for top, mine in zip(table.top, best, strict=True))
        yield Step(sum(table.seconds[w] for w in done), trials, val, test)
        if val <= 0:
            return


def regret_at(steps: Sequence[Step], seconds: float, start: Step) -> tuple[float, float]:
    """Regrets at a device time; those of ``start`` before the first trial ends."""
    last = [step for step in steps if step.seconds <= seconds * (1 + 1e-9)]
    step = last[-1] if last else start
    return step.val, step.test


def quartiles(numbers: Sequence[float], limit: str) -> str:
    """Median and quartiles in words."""
    low, middle, high = np.quantile(numbers, (0.25, 0.5, 0.75), method="inverted_cdf")
    said = [limit if math.isinf(number) else f"{number:.0f}" for number in (middle, low, high)]
    return f"{said[0]} ({said[1]} to {said[2]})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, help="a finished factorial's folder")
    parser.add_argument("--metric", help="the study's own by default")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--slow", type=int, help="seeds for GP and SMAC3, which take long")
    parser.add_argument("--only", default="", help="rivals whose name has this text")
    parser.add_argument("--limit", type=int, default=400, help="trials before a search gives up")
    parser.add_argument("--generation", type=int, default=4, help="proposals asked at once")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("overrides", nargs="*", help="of the factorial that is measured")
    given = parser.parse_args()
    folder = given.study
    if folder is None:
        space, _, plan = recorded_factorial.planned(given.results, given.overrides, VAL_TEST)
        folder = recorded_factorial.measure(space, plan).path
    table = read(folder, given.metric)

    methods: dict[str, tuple[Rival, int]] = {
        sampler: (Optuna(sampler, given.generation), given.seeds) for sampler in ("tpe", "random")
    }
    methods["gp"] = (Optuna("gp", given.generation), given.slow or given.seeds)
    if find_spec("smac"):
        methods["SMAC3"] = (smac, given.slow or given.seeds)
    rivals = [
        (f"{'exact inner search' if exact else 'all axes'}, {method}", rival, exact, seeds)
        for exact in (True, False)
        for method, (rival, seeds) in methods.items()
        if exact or method != "gp"  # hours over all axes
    ]
    rivals = [rival for rival in rivals if given.only in rival[0]]
    rivals.append(("the whole grid in order", in_order, True, 1))
    scores = np.array(list(table.values.values()))
    val, test = np.array(table.top) - np.median(scores, axis=0)
    start = Step(0.0, 0, float(val), float(test))  # a configuration drawn at random
    found, regrets = [], []
    for name, rival, exact, seeds in rivals:
        runs = [
            list(replay(table, rival, seed, exact=exact, limit=given.limit))
            for seed in range(seeds)
        ]
        ends = [(r[-1].trials, r[-1].seconds) if r[-1].val <= 0 else (math.inf,) * 2 for r in runs]
        trials, clock = (list(column) for column in zip(*ends, strict=True))
        hits = f"{sum(map(math.isfinite, trials))} of {seeds}"
        limit = f"> {given.limit}"
        shares = [100 * seconds / table.total for seconds in clock]
        found.append([name, quartiles(trials, limit), quartiles(shares, "not found"), hits])
        at = [
            np.mean([regret_at(run, share * table.total, start) for run in runs], axis=0)
            for share in SHARES
        ]
        regrets.append([name, *(f"{100 * v:.2f}; {100 * t:.2f}" for v, t in at)])
        print(f"done: {name}", flush=True)

    points = {frozenset(p for p in point if p[0] in table.paid) for point in table.values}
    print(
        f"{folder.name}: {len(table.values):,} configurations, {len(points)} paid points "
        f"({', '.join(table.paid)}), free: {', '.join(table.free)}; the best has "
        f"{100 * table.top[0]:.2f} % on validation, "
        f"{sum(v >= table.top[0] for v, _ in table.values.values())} reach it; the best on test "
        f"{100 * table.top[1]:.2f} %; the whole grid takes {table.total:.0f} s\n"
    )
    show = {"tablefmt": "github", "disable_numparse": True}
    headers = [
        "until the best is found: median (quartiles)",
        "trials",
        "% of the grid's time",
        "found",
    ]
    print(tabulate(found, headers=headers, **show))
    headers = ["mean regret, points: validation; test", *(f"{100 * s:.0f} % of it" for s in SHARES)]
    print("\n" + tabulate(regrets, headers=headers, **show))


if __name__ == "__main__":
    main()
