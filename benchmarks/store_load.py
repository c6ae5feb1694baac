"""The store under load: many writers, a constant reader, and a count at the end.

Every result is a prediction and its scores, as a study writes them; what it is worth is known from
its number, so that each answer is checked::

    python -m benchmarks store_load [--results 100000] [--writers 8]
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np
import pandas as pd

from sd4match import datasets
from sd4match.datasets import PairSet
from sd4match.matching import Readout
from sd4match.pck import GroundTruth
from sd4match.testbed import shapes
from study.analysis import measure
from study.plan import key_of
from study.space import AXES, Rule
from study.store import Store
from study.store.scores import count_correct, write_scores

RULE = Rule((0.1,), "sd4match")
SETTINGS = ((1, Readout()), (2, Readout()))
IMAGE_SIZE = 64
ASKED = 50  # results per query


@dataclass(frozen=True)
class Load:
    """What is written, and what must be answered.

    Attributes:
        counts: the scores of a result of which the first k keypoints were found, by k.
    """

    store: Store
    pairs: PairSet
    truth: GroundTruth
    counts: tuple[Mapping[float, np.ndarray], ...]

    @classmethod
    def prepare(cls, folder: Path) -> "Load":
        """A store that holds nothing but the ground truth of three small pairs."""
        shapes.generate(folder / "data", seed=0, scale=0.01)
        pairs = datasets.load("pf_willow", folder / "data", "test").subset([0, 1, 2])
        store, truth = Store(folder / "store"), GroundTruth.of(pairs)
        store.write_truth(pairs)
        counts = tuple(
            count_correct(truth, positions(truth, found), RULE, image_size=IMAGE_SIZE)
            for found in range(len(truth.pair) + 1)
        )
        return cls(store, pairs, truth, counts)

    def write(self, number: int) -> None:
        """One result: predictions, and their scores."""
        key, found = address(number), number % len(self.counts)
        made = positions(self.truth, found)
        predictions = self.store.write_predictions(key, SETTINGS, made, self.truth)
        file = self.store.score_file(key, predictions, RULE.address(IMAGE_SIZE))
        write_scores(
            file,
            SETTINGS,
            self.counts[found],
            self.truth.n_keypoints,
            address=self.store.address(file),
        )

    def wrong(self, numbers: Sequence[int], *, whole: bool) -> int:
        """How many of these results are answered wrongly; those not there count if ``whole``."""
        cells = measure(self._index(numbers), self.store, RULE)
        shares = [counts[0.1][0].sum() / len(self.truth.pair) for counts in self.counts]
        expected = np.repeat([shares[n % len(shares)] for n in numbers], len(SETTINGS))
        given = cells["pck_point"].to_numpy(float)
        wrong = ~np.isclose(given, expected, atol=1e-9) & ~(np.isnan(given) & (not whole))
        return int(wrong.reshape(-1, len(SETTINGS)).any(axis=1).sum())

    def _index(self, numbers: Sequence[int]) -> pd.DataFrame:
        """The rows that a study's folder would hold of these results."""
        rows = [
            dict.fromkeys(AXES)
            | {"layer": layer, "localizer": readout.localizer, "image_size": IMAGE_SIZE}
            | {"kernel": readout.kernel_sigma, "temperature": readout.temperature}
            | {"configuration": f"{number}-{layer}", "dataset": "pf_willow", "split": "test"}
            | {"data": self.pairs.fingerprint, "pairs": len(self.pairs), "predict": address(number)}
            | {"extraction": address(number), "tune": None, "missing": None}
            for number in numbers
            for layer, readout in SETTINGS
        ]
        return pd.DataFrame(rows).astype({"layer": "Int64"})


def positions(truth: GroundTruth, found: int) -> np.ndarray:
    """Predictions of which the first ``found`` are right, and the others in the far corner."""
    sizes = truth.sizes[truth.pair]
    made = np.where(truth.keypoints < sizes / 2, sizes, 0.0)
    made[:found] = truth.keypoints[:found]
    # As the store keeps them: a keypoint outside its image is predicted at the edge.
    return np.repeat(np.clip(made, 0, sizes)[None], len(SETTINGS), 0)


def address(number: int) -> str:
    """The address of a result."""
    return key_of({"result": number})


def writer(load: Load, place: int, writers: int, results: int, done: "Synchronized[int]") -> None:
    """Write every ``writers``-th result and say how far it is."""
    for number in range(place, results, writers):
        load.write(number)
        done.value += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--writers", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store-load-") as folder:
        load = Load.prepare(Path(folder))
        sys.exit(run(load, options.results, options.writers))


def run(load: Load, results: int, writers: int) -> int:
    """Write, ask meanwhile, count at the end; 0 if all is there and was right all the time."""
    processes = multiprocessing.get_context("fork")
    done = [processes.Value("l", 0, lock=False) for _ in range(writers)]
    workers = [
        processes.Process(target=writer, args=(load, place, writers, results, done[place]))
        for place in range(writers)
    ]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    latencies, wrong, dice = [], 0, random.Random(0)
    while any(worker.is_alive() for worker in workers):
        there = [range(place, place + writers * d.value, writers) for place, d in enumerate(done)]
        known = [
            dice.choice(numbers) for numbers in there if numbers for _ in range(ASKED // writers)
        ]
        begun = [numbers.stop for numbers in there if numbers.stop < results]  # being written now
        if known:
            asked = time.perf_counter()
            wrong += load.wrong(sorted(set(known)), whole=True)
            latencies.append(time.perf_counter() - asked)
        if begun:
            wrong += load.wrong(begun, whole=False)
    seconds = time.perf_counter() - started
    codes = [worker.exitcode for worker in workers]
    lost = sum(load.wrong(numbers, whole=True) for numbers in chunks(results))
    litter = sum(1 for file in load.store.folder.rglob(".*") if file.is_file())
    middle, most = (np.quantile(latencies or [0.0], q) * 1000 for q in (0.5, 0.99))
    print(f"{results:,} results by {writers} writers in {seconds:.1f} s: {results / seconds:.0f}/s")
    print(
        f"{len(latencies):,} queries meanwhile: {middle:.0f} ms, {most:.0f} ms at the 99th percent"
    )
    print(f"wrong answers {wrong}, lost or wrong at the end {lost}, temporary files left {litter}")
    good = not (wrong or lost or litter or any(codes)) and bool(latencies)
    print("nothing lost, no wrong answer" if good else "FAILED")
    return 0 if good else 1


def chunks(results: int, size: int = 2_000) -> Iterator[range]:
    """All numbers, some at a time."""
    return (range(first, min(first + size, results)) for first in range(0, results, size))


if __name__ == "__main__":
    main()
