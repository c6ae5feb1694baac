"""What the engine adds to a trial: trials that compute nothing, on warm workers.

python benchmarks/engine_overhead.py          # 500 trials; the same in plain Ray Tune
python benchmarks/engine_overhead.py 5000     # memory of the driver as they pass
"""

import gc
import sys
import tempfile
import time
from pathlib import Path

import psutil
from made_up import run, space_in
from ray import tune

from study.engine import cluster


def plain(trials: int) -> float:
    """Seconds a trial of a function that returns at once, in Ray Tune as it comes."""

    def nothing(config: dict[str, int]) -> None:
        tune.report({"value": 1})

    started = time.monotonic()
    tune.Tuner(
        tune.with_resources(nothing, {"cpu": 1}),
        param_space={"x": tune.grid_search(list(range(trials)))},
        run_config=tune.RunConfig(verbose=0),
    ).fit()
    return (time.monotonic() - started) / trials


def main(trials: int) -> None:
    """Measure and print."""
    process = psutil.Process()
    memory: list[float] = []

    def on_done() -> None:
        memory.append(process.memory_info().rss / 2**20)

    with tempfile.TemporaryDirectory() as folder, cluster.joined(space_in(Path(folder))):
        ends = run([0.0] * trials, {"CPU": 1}, workers=2, on_done=on_done)
        seconds = (ends[-1] - ends[0]) / trials
        print(f"our engine, {trials} trials that compute nothing: {1000 * seconds:.0f} ms a trial")
        gc.collect()
        tenth = len(memory) // 10
        print(
            f"memory of the driver: {memory[tenth]:.0f} MiB after {tenth} trials, "
            f"{memory[-1]:.0f} MiB after {trials}: "
            f"{1024 * (memory[-1] - memory[tenth]) / (trials - tenth):.1f} KiB a trial"
        )
        if trials <= 500:
            few = 20
            print(f"Ray Tune as it comes, {few} trials: {1000 * plain(few):.0f} ms a trial")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
