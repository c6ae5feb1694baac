"""Trials and device time until the best configuration is found, by exact inner search and others.

    python -m benchmarks search [--study results/NAME] [--seeds 50] [--limit 500]

The search is replayed on a recorded factorial, a lookup table of real results: a finished study of
``design: factorial``, or by default a small one that is measured once with nano on generated pairs
and kept in ``results/search-benchmark``. Exact inner search proposes the paid axes and reads every
readout setting from the same pass; the plain searches propose all axes, one setting per trial.

Device time is that of the recorded stages: "shared" pays each tuning and each pass once, as
our store does; "alone" pays both for every new configuration, as a search without a store does.
Studies that did not record it are compared by trials.
"""

import argparse
import itertools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from optuna.trial import TrialState
from tabulate import tabulate

import study
from benchmarks import recorded_factorial
from study.analysis import value
from study.search import samplers
from study.search.proposals import Proposals, TrialResult
from study.space import AXES, Value
from study.space.schema import Search

Key = frozenset[tuple[str, Value]]


@dataclass(frozen=True)
class Table:
    """A recorded factorial.

    Attributes:
        paid, free: axes that vary, and their values.
        prompt: the baseline's family, where the prompt does not vary.
        values: the metric of every configuration, by its values on these axes.
        works: keys of the tunings and predictions behind each.
        seconds: device time of those stages; empty where it was not recorded.
    """

    paid: Mapping[str, tuple[Value, ...]]
    free: Mapping[str, tuple[Value, ...]]
    prompt: Value
    values: Mapping[Key, float]
    works: Mapping[Key, tuple[str, ...]]
    seconds: Mapping[str, float]

    @property
    def top(self) -> float:
        """The highest value there is."""
        return max(self.values.values())


def measured(results: Path, overrides: list[str]) -> Path:
    """The folder of the small factorial; it is run first where it is not there."""
    space, _, plan = recorded_factorial.planned(results, overrides)
    return recorded_factorial.measure(space, plan).path


def read(folder: Path, metric: str | None) -> Table:
    """The lookup table of a finished study, and the times that its store has on record."""
    finished = study.open(folder)
    configurations = finished.configurations()
    measured = value(finished.cells, metric or str(finished.metric)).dropna()
    val = finished.index[finished.index["split"] == "val"]
    behind = {
        key: tuple({str(k) for k in (*rows["tune"].dropna(), *rows["predict"])})
        for key, rows in val.groupby("configuration")
    }
    taken: dict[str, tuple[Value, ...]] = {}
    for name in sorted(AXES, key=lambda name: name != "prompt"):  # the prompt first
        found = tuple(dict.fromkeys(plain(v) for v in configurations[name] if not pd.isna(v)))
        if len(found) > 1:
            taken[name] = found
    values, works = {}, {}
    for key, number in measured.items():
        row = configurations.loc[key]
        point = frozenset((name, plain(row[name])) for name in taken if not pd.isna(row[name]))
        values[point], works[point] = float(number), behind[key]
    needed = set(itertools.chain.from_iterable(works.values()))
    clocks = {file.stem: file for file in finished.folder.store.speed.glob("*/*.json")}
    return Table(
        paid={name: v for name, v in taken.items() if AXES[name].cost != "free"},
        free={name: v for name, v in taken.items() if AXES[name].cost == "free"},
        prompt=plain(configurations["prompt"].iloc[0]),
        values=values,
        works=works,
        seconds={
            key: float(json.loads(clocks[key].read_text())["seconds"])
            for key in needed & clocks.keys()
        },
    )


def plain(cell: Any) -> Value:
    """A table's cell as an axis' value."""
    found: Value = cell.item() if hasattr(cell, "item") else cell
    return found


def search(
    table: Table, sampler: str, seed: int, *, exact: bool, limit: int, generation: int
) -> tuple[float, float, float]:
    """One search until it finds the best value.

    Returns:
        Trials, seconds with and seconds without sharing; infinite when ``limit`` trials were not
        enough.
    """
    axes = table.paid if exact else {**table.paid, **table.free}
    settings = Search(sampler=sampler, seed=seed, generation=generation)
    proposals = Proposals(axes, samplers.create(settings), prompt=table.prompt)
    grid = [
        tuple(zip(table.free, values, strict=True))
        for values in itertools.product(*table.free.values())
    ]
    done: set[str] = set()
    trials, alone = 0, 0.0
    while trials < limit:
        asked = [p for _ in range(generation) if (p := proposals.ask())]
        if not asked:
            break
        for proposal in asked:
            own = frozenset(proposal.point.items())
            points = [own.union(free) for free in grid] if exact else [own]
            found = [table.values[point] for point in points if point in table.values]
            trials += 1
            if found:
                works = table.works[next(point for point in points if point in table.works)]
                done.update(works)
                alone += sum(table.seconds.get(w, 0.0) for w in works)
            if found and max(found) >= table.top:
                return trials, sum(table.seconds.get(w, 0.0) for w in done), alone
            best = (max(found),) if found else None
            state = TrialState.COMPLETE if found else TrialState.FAIL
            proposals.tell(proposal, TrialResult(state, best))
    return math.inf, math.inf, math.inf


def quartiles(numbers: list[float], limit: str, show: Callable[[float], str]) -> str:
    """Median and quartiles in words."""
    low, middle, high = np.quantile(numbers, (0.25, 0.5, 0.75), method="inverted_cdf")
    said = [limit if math.isinf(number) else show(number) for number in (middle, low, high)]
    return f"{said[0]} ({said[1]} to {said[2]})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, help="a finished factorial's folder")
    parser.add_argument("--metric", help="the study's own by default")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--limit", type=int, default=500, help="trials before a search gives up")
    parser.add_argument("--generation", type=int, default=4, help="proposals asked at once")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("overrides", nargs="*", help="of the factorial that is measured")
    given = parser.parse_args()
    folder = given.study or measured(given.results, given.overrides)
    table = read(folder, given.metric)
    rows = []
    for exact, sampler in itertools.product((True, False), ("tpe", "random")):
        runs = [
            search(
                table, sampler, seed, exact=exact, limit=given.limit, generation=given.generation
            )
            for seed in range(given.seeds)
        ]
        trials, shared, alone = (list(column) for column in zip(*runs, strict=True))
        clock = [
            quartiles(seconds, "not found", lambda s: f"{s:.0f}") if table.seconds else "–"
            for seconds in (shared, shared if exact else alone)
        ]
        rows.append(
            [
                f"{'exact inner search' if exact else 'all axes'}, {sampler}",
                quartiles(trials, f"> {given.limit}", lambda t: f"{t:.0f}"),
                *clock,
                f"{sum(map(math.isfinite, trials))} of {given.seeds}",
            ]
        )
    points = {frozenset(p for p in point if p[0] in table.paid) for point in table.values}
    total = sum(table.seconds.values())
    print(
        f"{folder.name}: {len(table.values):,} configurations, {len(points)} paid points "
        f"({', '.join(table.paid)}), free: {', '.join(table.free)}; the best has "
        f"{100 * table.top:.2f} %, {sum(v >= table.top for v in table.values.values())} reach it; "
        f"all of it took {total:.0f} s"
    )
    headers = ["median (quartiles)", "trials", "device s, shared", "device s, alone", "found"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
