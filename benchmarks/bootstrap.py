"""The bootstrap over images: 50 rows of a table against a baseline, on SPair-71k's test pairs.

    python -m benchmarks bootstrap [--rows 50] [--resamples 10000]

Generated PCK on SPair-71k's structure: 18 categories of 27 images, 12,234 pairs. Every row gets
its interval and its difference to the baseline with p-value, as a column of a table does
(`study.analysis.statistics`). A plain loop over resamples and rows is timed beside it, on few of
them, because its time grows with their product. The two must agree on the resampled means.
"""

import argparse
import resource
import time

import numpy as np
from tabulate import tabulate

from study.analysis.statistics import PairSamples, differences, intervals
from study.analysis.statistics.bootstrap import design

CATEGORIES, IMAGES, PAIRS = 18, 27, 12_234
LOOPED = (20, 5)  # resamples and rows that the loop is timed on


def structure() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and category of pairs as in SPair-71k: nearly all ordered pairs."""
    rng = np.random.default_rng(0)
    every = np.array([(i, j) for i in range(IMAGES) for j in range(IMAGES) if i != j])
    sizes = np.full(CATEGORIES, PAIRS // CATEGORIES) + (np.arange(CATEGORIES) < PAIRS % CATEGORIES)
    parts = [
        every[rng.permutation(len(every))[:size]] + category * IMAGES
        for category, size in enumerate(sizes)
    ]
    source, target = np.concatenate(parts).T
    return source, target, source // IMAGES


def measured(rows: int) -> list[PairSamples]:
    """PCK of 8 keypoints per pair, with effects of images; the baseline first."""
    source, target, category = structure()
    rng = np.random.default_rng(1)
    image = rng.normal(0, 0.8, source.max() + target.max())
    found = []
    for _ in range(rows + 1):
        odds = 0.5 + image[source] + image[target] + rng.normal(0, 0.3, len(source))
        pck = rng.binomial(8, 1 / (1 + np.exp(-odds))) / 8
        found.append(PairSamples(pck, source, target, category))
    return found


def loop(rows: list[PairSamples], counts: np.ndarray) -> np.ndarray:
    """(rows, resamples) weighted means: for each row, each resample, one weighted average."""
    means = np.empty((len(rows), counts.shape[1]))
    for k, row in enumerate(rows):
        for r in range(counts.shape[1]):
            weights = counts[row.source, r] * counts[row.target, r]
            means[k, r] = np.average(row.pck, weights=weights)
    return means


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--resamples", type=int, default=10_000)
    arguments = parser.parse_args()
    baseline, *rows = measured(arguments.rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    started, cpu = time.perf_counter(), time.process_time()
    differences([{0: row} for row in rows], {0: baseline}, resamples=arguments.resamples)
    compared = time.perf_counter() - started
    intervals([{0: row} for row in (baseline, *rows)], resamples=arguments.resamples)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6

    resamples, few = LOOPED
    names = baseline.source, baseline.target, baseline.category
    drawn = design(*names, resamples=resamples, seed=0)
    started = time.perf_counter()
    looped = loop(rows[:few], drawn.counts)
    each = (time.perf_counter() - started) / (resamples * few)
    ours = drawn.means(np.stack([row.pck for row in rows[:few]]))
    total = each * arguments.resamples * len(rows)
    size = f"{len(rows)} rows × {arguments.resamples:,} resamples × {len(baseline.pck):,} pairs"
    print(
        tabulate(
            [
                [f"differences: {size}", f"{compared:.2f}", f"{total / compared:.0f}"],
                ["the same and intervals of all rows", f"{seconds:.2f}", ""],
                [f"plain loop, from {few} rows × {resamples} resamples", f"{total:.0f}", "1"],
            ],
            headers=["what", "seconds", "times as fast"],
            tablefmt="github",
            disable_numparse=True,
        )
    )
    print(
        f"\n{cpu:.1f} CPU seconds, {memory:.0f} MB more at the peak;"
        f" largest deviation from the loop {np.abs(looped - ours).max():.0e}"
    )


if __name__ == "__main__":
    main()
