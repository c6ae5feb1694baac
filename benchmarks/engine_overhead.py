"""Time that the engine, and plain Ray Tune, add to a trial that computes nothing.

python -m benchmarks engine_overhead          # 500 trials: time of each
python -m benchmarks engine_overhead 5000     # and memory of the driver as they pass
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from ray import tune

from benchmarks.made_up import run, space_in
from study.engine import cluster

FEW = 20  # trials of plain Ray Tune, which takes seconds for each


class Growth:
    """The memory of this process, after each trial."""

    def __init__(self) -> None:
        self._seen: list[int] = []

    def look(self) -> None:
        """A trial is done."""
        self._seen.append(psutil.Process().memory_info().rss)

    def __str__(self) -> str:
        """Growth since a tenth of the trials were done."""
        first = len(self._seen) // 10
        grown = (self._seen[-1] - self._seen[first]) / 1024 / (len(self._seen) - 1 - first)
        begun, now = (seen / 2**20 for seen in (self._seen[first], self._seen[-1]))
        return f"driver from {begun:.0f} to {now:.0f} MiB, {grown:.2f} KiB a trial"


class Nothing(tune.Trainable):
    """A trial that is done at once, on a worker that takes the next one."""

    def step(self) -> dict[str, Any]:
        return {"done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return True


def nothing(config: dict[str, int]) -> None:
    """The usual trainable, a function, whose worker ends with it."""
    tune.report({"value": 1})


def plain(trainable: Any, folder: str, *, reuse: bool) -> float:
    """Seconds a trial in Ray Tune as it comes."""
    started = time.monotonic()
    tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"x": tune.grid_search(list(range(FEW)))},
        tune_config=tune.TuneConfig(reuse_actors=reuse),
        run_config=tune.RunConfig(verbose=0, storage_path=folder),
    ).fit()
    return (time.monotonic() - started) / FEW


def main(trials: int) -> None:
    """Measure and print."""
    growth = Growth()
    with tempfile.TemporaryDirectory() as folder, cluster.joined(space_in(Path(folder))):
        ends = run([0.0] * trials, {"CPU": 1}, workers=2, on_done=growth.look)
        seconds = (ends[-1] - ends[0]) / trials
        took = f"{1000 * seconds:.0f} ms per trial"
        print(f"our engine, {trials} trials: {took}; {growth}", flush=True)
        for trainable, reuse, which in (
            (Nothing, True, "reused"),
            (nothing, False, "each its own"),
        ):
            seconds = plain(trainable, folder, reuse=reuse)
            print(f"Ray Tune, {FEW} trials, workers {which}: {seconds:.1f} s per trial", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
