"""Planning 100,000 configurations: time and peak memory, from the search space to the report.

    python -m benchmarks plan_size [--configurations 100000]

Two factorials of that many configurations on three data sets (five splits), each in a process of
its own: *shared*, where 200 readout settings are read from every pass, and *nothing shared*, where
every configuration is an extraction of its own. Data sets are planned by their published sizes.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate

FREE = "layer: [0, 1, 2, 3], kernel: {kernels}, temperature: [0.01, 0.02, 0.04, 0.08, 0.16]"
AXES = {
    "shared": "length: [5, 10, 25, 50, 75], timestep: {many}, " + FREE,
    "nothing shared": "train: {{kernel_size: [3, 5, 7, 9, 11]}}, "
    "ensemble: {ensembles}, timestep: {thousand}",
}
SPACE = "{{design: factorial, baseline: {{prompt: single}}, axes: {{{axes}}}}}"


def space_of(kind: str, configurations: int) -> str:
    """A factorial of about that many configurations, as YAML."""
    axes = AXES[kind].format(
        kernels=list(range(1, 11)),
        many=list(range(max(1, configurations // 1_000))),
        thousand=list(range(min(1_000, configurations // 5))),
        ensembles=list(range(1, 1 + max(1, configurations // 5_000))),
    )
    return SPACE.format(axes=axes)


def measure(kind: str, configurations: int) -> None:
    """Plan one of them in this process and print its row."""
    from study.launch.plan_report import describe_plan, plan_of, sharing_tree
    from study.plan import Planner
    from study.space import load

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "big.yaml"
        file.write_text(space_of(kind, configurations), encoding="utf-8")
        before, started, cpu = _peak(), time.perf_counter(), time.process_time()
        space = load(str(file), [f"data.root={folder}/data", f"results={folder}/results"])
        plan = plan_of(space, Planner(space))
        numbers, _ = describe_plan(space, plan)
        sharing_tree(plan)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print("|".join([
        kind, f"{numbers.configurations:,}", f"{numbers.trials:,}", f"{numbers.tunings:,}",
        f"{seconds:.1f}", f"{cpu:.1f}", f"{_peak() - before:.0f}", f"{before:.0f}",
    ]))  # fmt: skip


def _peak() -> float:
    """Most resident memory so far, MB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=int, default=100_000)
    parser.add_argument("--only", choices=AXES, help="measure one in this process")
    arguments = parser.parse_args()
    if arguments.only:
        measure(arguments.only, arguments.configurations)
        return
    rows = []
    for kind in AXES:
        command = [sys.executable, "-m", "benchmarks.plan_size", "--only", kind]
        command += ["--configurations", str(arguments.configurations)]
        rows.append(subprocess.check_output(command, text=True).strip().split("|"))
    headers = ["factorial", "configurations", "trials", "tunings", "seconds", "CPU seconds",
               "memory for it, MB", "before, MB"]  # fmt: skip
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
