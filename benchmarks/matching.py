"""Cost of reading and scoring one pair's correlation in every way.

    python -m benchmarks matching [--threads 1 2] [--repetitions 40]

One pair, C = 1280, 48 x 48 cells, 20 keypoints (SD 2-1 at 768 pixels, layer 1). Rows are timed in
turn, so that other work on the machine slows them alike; a ratio is the median over the rounds of
each round's own ratio to `correlate`. Target: everything at once costs at most 2 correlations; the
bilinear localizer alone correlates four cells for each keypoint.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from sd4match import pck
from sd4match.datasets import ImagePair
from sd4match.matching import Readout, correlate, localize, match, match_many

SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0, 15.0)
ALPHAS = (0.05, 0.1, 0.15)
READOUTS = [
    *(Readout(localizer) for localizer in ("nearest", "bilinear", "softmax")),
    *(Readout(kernel_sigma=sigma) for sigma in SIGMAS),
]
CORRELATE = "correlate"
EVERYTHING = "match_many: 4 localizers, 8 widths, 3 alphas"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=40)
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    tasks = make_tasks()
    table = []
    for threads in args.threads:
        torch.set_num_threads(threads)
        times = measure(tasks, args.repetitions)
        for name, values in times.items():
            ratios = [a / b for a, b in zip(values, times[CORRELATE], strict=True)]
            median, best = statistics.median(values), min(values)
            shares = statistics.median(ratios), best / min(times[CORRELATE])
            table.append([threads, name, 1e3 * median, 1e3 * best, *shares])
    headers = ["threads", "what", "median ms", "best ms", "ratio (median)", "ratio (best)"]
    print(tabulate(table, headers=headers, floatfmt=".2f"))


def make_tasks() -> dict[str, Callable[[], object]]:
    """What is timed, on the same random pair."""
    generator = torch.Generator().manual_seed(0)
    source, target = (torch.randn(1, 1280, 48, 48, generator=generator) for _ in range(2))
    queries = torch.rand(1, 20, 2, generator=generator) * 47
    pair = spair_pair(queries[0].numpy() * 10)
    truth = pck.GroundTruth.of([pair])
    maps = (source, target, queries)

    def everything() -> object:
        found = match_many(*maps, READOUTS)[:, 0].numpy() * 10
        return pck.correct(truth, found, alpha=ALPHAS)

    def one_correlation_a_setting() -> object:
        scores = []
        for r in READOUTS:
            found = match(
                *maps,
                localizer=r.localizer,
                kernel_sigma=r.kernel_sigma or 7.0,
                temperature=r.temperature or 0.04,
            )
            points = found[0].numpy() * 10
            scores.append([pck.score(pair, points, alpha=alpha) for alpha in ALPHAS])
        return scores

    return {
        CORRELATE: lambda: correlate(*maps),
        "correlate + kernel-softmax": lambda: localize(correlate(*maps)),
        EVERYTHING: everything,
        "dense, on 500 x 375 pixels": lambda: match(*maps, localizer="dense", size=(375, 500)),
        "each setting by itself: 11 x match, 33 x score": one_correlation_a_setting,
        "a correlation in textbook form": lambda: textbook(*maps),
    }


def textbook(source: torch.Tensor, target: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """grid_sample, then normalized descriptors times a normalized map."""
    scale = queries.new_tensor([source.shape[3] - 1, source.shape[2] - 1])
    grid = (2 * queries / scale - 1).unsqueeze(2)
    sampled = torch.nn.functional.grid_sample(source, grid, align_corners=True)[..., 0]
    sampled = sampled / (sampled.norm(dim=1, keepdim=True) + 1e-6)
    target = target / (target.norm(dim=1, keepdim=True) + 1e-6)
    return torch.einsum("bcn,bchw->bnhw", sampled, target)


def spair_pair(keypoints: np.ndarray) -> ImagePair:
    """A pair with these target keypoints; its images do not exist."""
    box = np.array([50, 50, 400, 350], dtype=np.float32)
    return ImagePair(
        dataset="spair",
        id="benchmark",
        category="cat",
        source_id="a.jpg",
        target_id="b.jpg",
        source_path=Path("a.jpg"),
        target_path=Path("b.jpg"),
        flip=False,
        source_keypoints=keypoints,
        target_keypoints=keypoints,
        keypoint_ids=np.arange(len(keypoints), dtype=np.int32),
        source_size=(480, 480),
        target_size=(480, 480),
        source_box=box,
        target_box=box,
        attributes={},
    )


def measure(tasks: dict[str, Callable[[], object]], repetitions: int) -> dict[str, list[float]]:
    """Seconds, one value a round, after two rounds of warm-up.

    One thread's seconds of the CPU, so that other work on the machine matters little.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(repetitions + 2):
        for name, task in tasks.items():
            start = clock()
            task()
            if round_ >= 2:
                times[name].append(clock() - start)
    return times


if __name__ == "__main__":
    main()
