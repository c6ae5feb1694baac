"""Questions to a study of many stages: CPU time and memory of fresh processes.

A made-up study of so many stages that share nothing: a fifth as many configurations (timesteps and
ensembles), on five splits of three data sets. Matches are written through the real store, without a
model. Then users' questions are asked, each in a process of its own, first without the score index
and then with it.

    python -m benchmarks many_stages                     # 10,000 stages: 60 MB in TMPDIR
    python -m benchmarks many_stages --stages 100000     # larger
    python -m benchmarks many_stages --keep FOLDER       # stays there, and is asked again
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tabulate import tabulate

from sd4match.pck.ground_truth import GroundTruth
from sd4match.testbed.shapes.generator import generate
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load
from study.store.scores import Record, scored
from study.store.study_folder import StudyFolder

SPLITS = 5  # of three data sets
SPACE = """\
name: many
design: factorial
baseline: {{backbone: nano, prompt: text, image_size: 32, ensemble: 1, kernel: 3, timestep: 0}}
axes: {{timestep: {timesteps}, ensemble: {ensembles}}}
data: {{root: {folder}/data}}
results: {folder}/results
device: cpu
dtype: float32
"""
COMMANDS = {"status": ["status", "many"], "best": ["best", "many"], "table": ["table", "many"]}
SETTLE = 3.0
"""Seconds until files are old enough for the index: see `study.store.score_index`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", type=int, default=10_000, help="5 a configuration")
    parser.add_argument("--keep", type=Path, help="a folder for the study, which stays there")
    parser.add_argument("--launch", action="store_true", help="launch the finished study too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sd4match-many-") as scratch:
        folder = options.keep or Path(scratch)
        if not (folder / "results" / "many").exists():
            # Elsewhere: a child's peak memory begins with what its parent holds.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
                elsewhere.submit(write, folder, options.stages).result()
            time.sleep(SETTLE)
        commands = dict(COMMANDS)
        if options.launch:
            commands |= {
                "launch": ["launch", "space.yaml"],
                "launch again": ["launch", "space.yaml"],
            }
        first = ask(folder, COMMANDS["status"])
        found = {name: ask(folder, words) for name, words in commands.items()}
    rows = [["status, which makes the index", *first]]
    rows += [[name, *measured] for name, measured in found.items()]
    headers = ["question", "CPU seconds", "peak memory, MB"]
    print(tabulate(rows, headers=headers, floatfmt=",.1f"))
    times = ", ".join(f"{name} {found[name][0]:.1f} s" for name in COMMANDS)
    print(f"{options.stages} stages: {times}")


def write(folder: Path, stages: int) -> None:
    """Write a study as a launch would have left it.

    Args:
        folder: gets the data, the search space and the results.
        stages: how many predict stages, five a configuration.
    """
    generate(folder / "data", seed=0, scale=0.01)
    count = max(stages // SPLITS, 1)
    ensembles = -(-count // 1000)
    axes = {
        "timesteps": list(range(count // ensembles)),
        "ensembles": list(range(1, ensembles + 1)),
    }
    (folder / "space.yaml").write_text(SPACE.format(folder=folder, **axes))
    space = load(str(folder / "space.yaml"))
    plan = Planner(space).plan(configurations(space))
    out = StudyFolder.of(space)
    out.write_space(space)
    out.write_plan(plan)
    out.write_failures({})
    store = out.store
    truths: dict[str, GroundTruth] = {}
    for key, stage in plan.predicts.items():
        data = stage.data.fingerprint
        if data not in truths:
            pairs = stage.data.open()
            store.write_truth(pairs)
            truths[data] = GroundTruth.of(pairs)
        truth, settings = truths[data], list(plan.settings[key])
        size = truth.sizes[truth.pair]
        rng = np.random.default_rng(int(key, 16))
        spread = rng.uniform(0.05, 0.07)
        near = truth.keypoints + rng.normal(0, spread, (len(settings), *size.shape)) * size
        file = store.write_predictions(key, settings, near, truth)
        scored(store, Record(key, data, stage.extraction.image_size), file, space.rule)
    for latents in plan.latents:
        store.latents_mark(latents).parent.mkdir(parents=True, exist_ok=True)
        store.latents_mark(latents).write_text("{}")


def ask(folder: Path, words: list[str]) -> tuple[float, float]:
    """CPU time and peak memory of a ``study`` command in a fresh process."""
    command = [sys.executable, "-c", "from study.cli import main; main()", *words]
    if words[0] != "launch":
        command += ["--results", str(folder / "results")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"study {' '.join(words)} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
