"""The evaluator against one built as SD4Match's is (docs/explanation/method.md section 5).

    python -m benchmarks evaluator [--threads 1 2] [--repetitions 20]

One pair with 20 keypoints on the maps of SD 2-1 at 768 pixels. The baseline copies the maps, looks
each of its four localizers up by itself (the bilinear one at four corners), normalizes the whole
target map each time, and finds peaks by sorting. The original always answers all four; "its
kernel-softmax alone" is the part of it that one localizer needs. Rows are timed in rounds, each in
an order of its own, so that other work on the machine and what a row leaves in the caches slow them
alike; ratios are of the best times, and the medians over the rounds of each round's own.
Target: four localizers at least 12 times faster. The last row is the work that nothing can avoid.
The copies of the images and keypoints that the original makes besides are left out.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tabulate import tabulate
from torch import Tensor
from torch.nn.functional import grid_sample

from sd4match import pck
from sd4match.datasets import ImagePair
from sd4match.matching import (
    CELL_LOCALIZERS,
    Readout,
    cells_to_original,
    correlate,
    match_many,
    square_to_cells,
    to_square,
)

SIDE = 768
SHAPES = {"layer 1": (1280, 48, 48), "layer 2": (640, 96, 96)}
KEYPOINTS = 20
ALPHAS = (0.05, 0.1, 0.15)
SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0, 15.0)
SIGMA, TEMPERATURE = 7.0, 0.04
BASELINE = "baseline: 4 localizers"
ALONE = "its kernel-softmax alone"


class Case(NamedTuple):
    """A pair, the (1, C, h, w) maps of its images, and its truth."""

    pair: ImagePair
    source: Tensor
    target: Tensor
    truth: pck.GroundTruth


def main() -> None:
    """Print a row for each way to evaluate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    rows = []
    for layer, shape in SHAPES.items():
        case = make_case(shape)
        check(case)
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            times = measure(make_tasks(case), arguments.repetitions)
            for name, values in times.items():
                best = [
                    1e3 * min(values),
                    *(min(times[b]) / min(values) for b in (BASELINE, ALONE)),
                ]
                ratios = [b / a for a, b in zip(values, times[BASELINE], strict=True)]
                rows.append([layer, threads, name, *best, statistics.median(ratios)])
    headers = ["maps", "threads", "what", "best ms", "times faster", "than it alone", "median"]
    print(tabulate(rows, headers=headers, floatfmt=".2f"))


def make_tasks(case: Case) -> dict[str, Callable[[], object]]:
    """What is timed."""
    every_localizer = [Readout(localizer) for localizer in CELL_LOCALIZERS]
    widths = [Readout(kernel_sigma=sigma) for sigma in SIGMAS if sigma != SIGMA]
    queries = in_cells(case)
    descriptors, cells = torch.randn(KEYPOINTS, case.source.shape[1]), case.target[0].flatten(1)
    return {
        BASELINE: lambda: baseline(case),
        ALONE: lambda: baseline(case, only="kernel_softmax"),
        "ours: kernel-softmax": lambda: ours(case, [Readout()]),
        "ours: the same 4 localizers": lambda: ours(case, every_localizer),
        "ours: 4 localizers, 8 widths": lambda: ours(case, every_localizer + widths),
        "one correlation (ours)": lambda: correlate(case.source, case.target, queries),
        "its matrix product alone": lambda: descriptors @ cells,
    }


def ours(case: Case, readouts: list[Readout]) -> np.ndarray:
    """(A, R, N) bool: which keypoints are found."""
    hw = case.target.shape[-2:]
    cells = match_many(case.source, case.target, in_cells(case), readouts)[:, 0].numpy()
    positions = cells_to_original(cells, case.pair.target_size, SIDE, hw)
    return pck.correct(case.truth, positions, alpha=ALPHAS, image_size=SIDE)


def in_cells(case: Case) -> Tensor:
    """(1, N, 2) queries in source cells."""
    square = to_square(case.pair.source_keypoints, case.pair.source_size, SIDE)
    return torch.tensor(square_to_cells(square, SIDE, case.source.shape[-2:])).float()[None]


# The baseline, in the resized square throughout -------------------------------------------------


def baseline(case: Case, only: str | None = None) -> dict[str, list[float]]:
    """Localizer -> PCK at each alpha; of one localizer, or all four."""
    case = case._replace(source=case.source.clone(), target=case.target.clone())
    pair, last = case.pair, torch.tensor(case.source.shape[:1:-1]) - 1
    queries, truth = (
        (torch.from_numpy(points) * SIDE / torch.tensor(size)).clamp(1e-4, SIDE - 1 - 1e-4)
        for points, size in (
            (pair.source_keypoints, pair.source_size),
            (pair.target_keypoints, pair.target_size),
        )
    )
    queries = queries / (SIDE - 1) * last
    box, (width, height) = pair.target_box, pair.target_size
    reference = max((box[2] - box[0]) * SIDE / width, (box[3] - box[1]) * SIDE / height)
    lookups = {
        "nearest": nearest,
        "bilinear": bilinear,
        "softmax": lambda *which: expectation(similarities(*which)),
        "kernel_softmax": kernel_softmax,
    }
    scores = {}
    for name in [only] if only else lookups:
        cells = lookups[name](case, queries)
        distance = (cells / last * (SIDE - 1) - truth).norm(dim=-1)
        scores[name] = [(distance <= a * reference).float().mean().item() for a in ALPHAS]
    return scores


def unit(vectors: Tensor, dim: int) -> Tensor:
    """Divide by length + 1e-6."""
    return vectors / (vectors.norm(dim=dim, keepdim=True) + 1e-6)


def similarities(case: Case, queries: Tensor) -> Tensor:
    """(N, 2) -> (N, h, w): sampled, both sides normalized, multiplied."""
    last = torch.tensor(case.source.shape[:1:-1]) - 1
    sampled = grid_sample(case.source, (queries / last * 2 - 1)[None, None], align_corners=True)
    rows = unit(sampled[0, :, 0].T, 1) @ unit(case.target, 1)[0].flatten(1)
    return rows.view(len(queries), *case.target.shape[-2:])


def nearest(case: Case, queries: Tensor) -> Tensor:
    """(N, 2) cells of the largest values, by sorting all of them."""
    rows = similarities(case, queries).flatten(1)
    best, width = rows.argsort(dim=1, descending=True)[:, 0], case.target.shape[-1]
    return torch.stack([best % width, best // width], dim=1).float()


def bilinear(case: Case, queries: Tensor) -> Tensor:
    """(N, 2): a lookup for each of the four cells around a query, interpolated."""
    low, total = queries.floor(), torch.zeros_like(queries)
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        cell = low + torch.tensor(corner)
        total += (1 - (queries - cell).abs()).prod(1, keepdim=True) * nearest(case, cell)
    return total


def kernel_softmax(case: Case, queries: Tensor) -> Tensor:
    """(N, 2): expectation after a Gaussian around the largest value."""
    found = similarities(case, queries)
    best, (h, w) = found.flatten(1).argmax(1), found.shape[-2:]
    x, y = (
        torch.arange(w) - (best % w)[:, None, None],
        torch.arange(h)[:, None] - (best // w)[:, None, None],
    )
    return expectation(found * torch.exp(-(x**2 + y**2) / (2 * SIGMA**2)))


def expectation(logits: Tensor) -> Tensor:
    """(N, h, w) -> (N, 2), by a grid of positions."""
    h, w = logits.shape[-2:]
    p = (logits.flatten(1) / TEMPERATURE).softmax(1)
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return (p[..., None] * torch.stack([x, y], dim=-1).view(-1, 2)).sum(1)


# ------------------------------------------------------------------------------------------------


def make_case(shape: tuple[int, int, int]) -> Case:
    """Two noisy views of one random map, and keypoints near their counterparts."""
    torch.manual_seed(0)
    channels, h, w = shape
    shared = torch.randn(1, channels, h, w)
    source, target = (shared + torch.randn(1, channels, h, w) for _ in range(2))
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (KEYPOINTS, 2))
    sizes = ((500, 375), (333, 500))
    pair = ImagePair(
        dataset="spair",
        id="benchmark",
        category="cat",
        source_id="a.jpg",
        target_id="b.jpg",
        source_path=Path("a.jpg"),
        target_path=Path("b.jpg"),
        flip=False,
        source_keypoints=(points * sizes[0]).astype(np.float32),
        target_keypoints=((points + rng.normal(0, 0.05, points.shape)) * sizes[1]).astype("f4"),
        keypoint_ids=np.arange(KEYPOINTS, dtype=np.int32),
        source_size=sizes[0],
        target_size=sizes[1],
        source_box=None,
        target_box=np.array([30, 50, 280, 430], dtype=np.float32),
        attributes={},
    )
    return Case(pair, source, target, pck.GroundTruth.of([pair]))


def check(case: Case) -> None:
    """Both give the same PCK, or the comparison would not be valid."""
    found = ours(case, [Readout(localizer) for localizer in CELL_LOCALIZERS]).mean(axis=-1)
    theirs = baseline(case)
    np.testing.assert_allclose(found.T, [theirs[name] for name in CELL_LOCALIZERS], atol=1e-3)


def measure(tasks: dict[str, Callable[[], object]], repetitions: int) -> dict[str, list[float]]:
    """Seconds, one value a round, after two rounds of warm-up.

    One thread's seconds of the CPU, so that other work on the machine matters little.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in tasks}
    order = random.Random(0)
    for round_ in range(repetitions + 2):
        for name in order.sample(list(tasks), len(tasks)):
            start = clock()
            tasks[name]()
            if round_ >= 2:
                times[name].append(clock() - start)
    return times


if __name__ == "__main__":
    main()
