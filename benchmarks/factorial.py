"""A factorial over five axes: with sharing, and each configuration on its own.

    python -m benchmarks factorial [--each 2] [--results results]

5 prompts × 3 lengths × 5 timesteps × 4 layers × 8 kernels, on validation pairs of generated SPair
with nano, tunings included. The whole factorial is run, one item after the other. On its own, a
configuration starts with an empty store: a few of every prompt and length are run so, drawn by
seed, and their mean stands for the others of that prompt and length. Both sides leave out the
start of the program and the loading of weights, which "on its own" would pay every time.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks import recorded_factorial
from study.engine import Workshop, pending
from study.plan import Planner, Stored, estimate
from study.space import Configuration, Space, configurations
from study.store import Store


def seconds(store: Store) -> float:
    """Device time of all stages that a store holds."""
    files = store.speed.glob("*/*.json")
    return float(sum(json.loads(file.read_text())["seconds"] for file in files))


def alone(
    space: Space, planner: Planner, configuration: Configuration, workshop: Workshop
) -> float:
    """Device time of one configuration with an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        workshop.store = Store(folder)
        plan = planner.plan([configuration], splits=("val",))
        for work in pending(plan, workshop.store):
            for _ in workshop.do(work):
                pass
        return seconds(workshop.store)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=2, help="alone, of every prompt and length")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("overrides", nargs="*", help="of the factorial")
    given = parser.parse_args()
    space, planner, plan = recorded_factorial.planned(given.results, given.overrides)
    folder = recorded_factorial.measure(space, plan)
    shared = seconds(folder.store)

    strata: dict[tuple[object, object], list[Configuration]] = defaultdict(list)
    for configuration in configurations(space):
        strata[configuration["prompt"], configuration["length"]].append(configuration)
    workshop = Workshop(folder.store, space.rule)
    rng = np.random.default_rng(0)
    total, variance = 0.0, 0.0
    for key, members in strata.items():
        drawn = rng.choice(len(members), min(given.each, len(members)), replace=False)
        times = [alone(space, planner, members[i], workshop) for i in drawn]
        print(f"{key}: {len(members)} configurations, {statistics.mean(times):.2f} s each alone")
        total += len(members) * statistics.mean(times)
        if len(times) > 1:
            variance += len(members) ** 2 * statistics.variance(times) / len(times)

    numbers = estimate(plan, Stored(), space.rule, {})
    rows = [
        ("UNet passes, prediction", f"{numbers.passes:,}", f"{numbers.passes_alone:,}",
         f"{numbers.passes_alone / numbers.passes:.0f}×"),
        ("prompts learned", f"{numbers.tunings:,}", f"{numbers.tunings_alone:,}",
         f"{numbers.tunings_alone / numbers.tunings:.0f}×"),
        ("TFLOP", f"{numbers.tflop:,.1f}", f"{numbers.tflop_alone:,.0f}",
         f"{numbers.tflop_alone / numbers.tflop:.0f}×"),
        ("device time, s", f"{shared:,.0f}", f"{total:,.0f} ± {1.96 * variance**0.5:,.0f}",
         f"{total / shared:.0f}×"),
    ]  # fmt: skip
    print(f"\n{numbers.configurations:,} configurations in {numbers.trials} trials")
    headers = ["", "with sharing", "without sharing", "ratio"]
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    print("without sharing: time extrapolated from the sample above (± its 95 % sampling error)")


if __name__ == "__main__":
    main()
