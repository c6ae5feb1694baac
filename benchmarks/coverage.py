"""Do intervals and stars hold? Simulated data sets on the pairs of the real benchmarks.

    python -m benchmarks coverage                  # the whole grid (docs/explanation/statistics.md)
    python -m benchmarks coverage --part means     # or: differences, seeds, tails, …
    python -m benchmarks coverage --sets 500       # faster, and less certain

A pair's PCK is a share of 8 keypoints whose log odds have effects of images and of pairs: common to
all configurations, and each configuration's own. Configurations are alike on average, so that each
significant difference is a false alarm. A share of N data sets has a Monte Carlo error of
sqrt(0.05 * 0.95 / N): 0.5 % of 2,000.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from tabulate import tabulate

from study.analysis.statistics.stats import PairSamples, differences, holm, intervals

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
KEYPOINTS = 8
ROWS = (1, 4, 5, 20)
PASCAL = (15, 30, 10, 6, 8, 32, 19, 27, 13, 3, 8, 24, 9, 27, 12, 7, 1, 13, 20, 15)


@cache
def spair(number: int = 12_234) -> Pairs:
    """Some of the 12,234 ordered pairs of 27 images in each of 18 categories."""
    rng = np.random.default_rng(0)
    every = np.array([(i, j) for i in range(27) for j in range(27) if i != j])
    sizes = [680 if c < 12 else 679 for c in range(18)]
    parts = [every[rng.permutation(702)[:n]] + 27 * c for c, n in enumerate(sizes)]
    kept = np.sort(rng.permutation(12_234)[:number])
    source, target = np.concatenate(parts)[kept].T
    return source, target, source // 27


@cache
def pascal() -> Pairs:
    """299 pairs in 20 classes of PF-Pascal's sizes; most images are in one pair or two."""
    rng, parts, first = np.random.default_rng(1), [], 0
    for category, number in enumerate(PASCAL):
        images = max(2, round(1.75 * number))
        slots = np.concatenate([rng.permutation(images), rng.permutation(images)])[: 2 * number]
        chosen = rng.permutation(slots).reshape(number, 2)
        while (chosen[:, 0] == chosen[:, 1]).any():
            chosen = rng.permutation(slots).reshape(number, 2)
        parts.append(np.column_stack([chosen + first, np.full(number, category)]))
        first += images
    source, target, category_of = np.concatenate(parts).T
    return source, target, category_of


@cache
def willow() -> Pairs:
    """All 900 ordered pairs in 10 sub-classes of 10; three of an object overlap by five images."""
    every = np.array([(i, j) for i in range(10) for j in range(10) if i != j])
    firsts = [(20 * o + shift, o) for o in range(3) for shift in (0, 5, 10)] + [(60, 3)]
    source, target = np.concatenate([every + first for first, _ in firsts]).T
    return source, target, np.repeat([o for _, o in firsts], 90)


def a_slice(number: int, *, shared: bool) -> Pairs:
    """Pairs of one category: of 27 images as in SPair-71k, or without a common image."""
    if not shared:
        return np.arange(number), np.arange(number) + number, np.zeros(number, dtype=int)
    rng = np.random.default_rng(number)
    every = np.array([(i, j) for i in range(27) for j in range(27) if i != j])
    source, target = every[rng.permutation(702)[:number]].T
    return source, target, np.zeros(number, dtype=int)


DESIGNS = {
    "SPair-71k, 60 pairs": lambda: spair(60),
    "SPair-71k, 240 pairs": lambda: spair(240),
    "PF-Pascal, 299 pairs": pascal,
    "PF-Willow, 900 pairs": willow,
}


@dataclass(frozen=True)
class Odds:
    """Standard deviations of effects on the log odds.

    Attributes:
        pck: the mean PCK.
        image, pair: common to all configurations.
        own: of images, each configuration's; the other configurations' differ from ``base``'s
            where that is given, which makes differences skewed.
        seed: of each training; its effects on images and pairs are 0.2 and 0.3.
    """

    pck: float
    image: float
    own: float
    pair: float = 0.3
    base: float | None = None
    seed: float = 0.0


LEVELS = {
    "65 %": Odds(0.65, 0.8, 0.3),
    "65 %, strong": Odds(0.65, 0.5, 1.5),
    "96 %": Odds(0.96, 1.5, 0.5),
    "96 %, strong": Odds(0.96, 0.5, 1.5),
}


def drawn(
    pairs: Pairs,
    odds: Odds,
    sets: int,
    rng: np.random.Generator,
    *,
    rows: int,
    seeds: int = 1,
    shift: float = 0.0,
) -> Iterator[Floats]:
    """A baseline, then ``rows`` configurations: (sets, seeds, P) PCK each.

    Args:
        shift: added to the log odds of all but the baseline.
    """
    source, target, _ = pairs
    shape = sets, int(max(source.max(), target.max())) + 1

    def effects(spread: float) -> Floats:
        image = rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
        noise = rng.standard_normal((sets, len(source)), dtype=np.float32) * np.float32(odds.pair)
        return np.asarray(image[:, source] + image[:, target] + noise)

    common = effects(odds.image)
    for row in range(rows + 1):
        own = odds.own if row or odds.base is None else odds.base
        mine = common + effects(own)
        trained = []
        for _ in range(seeds):
            value = mine + (shift if row else 0.0)
            if seeds > 1:
                value = value + effects(0.2) + rng.normal(0, odds.seed, (sets, 1))
            value += intercept(odds, own, seeds > 1)
            trained.append(rng.binomial(KEYPOINTS, expit(value)) / KEYPOINTS)
        yield np.stack(trained, axis=1)


@cache
def intercept(odds: Odds, own: float, trained: bool) -> float:
    """The log odds at which the mean over images, pairs and trainings is ``odds.pck``."""
    variance = 2 * odds.image**2 + 2 * own**2 + 2 * odds.pair**2
    variance += (2 * 0.2**2 + odds.pair**2 + odds.seed**2) if trained else 0
    nodes, weights = hermegauss(60)
    spread = np.sqrt(variance) * nodes

    def above(middle: float) -> float:
        return float(weights @ expit(middle + spread)) / weights.sum() - odds.pck

    return float(brentq(above, -30, 30))


def simulate(
    pairs: Pairs, odds: Odds, sets: int, *, rows: int = 1, seeds: int = 1, shift: float = 0.0
) -> tuple[Floats, Floats]:
    """(sets, rows) p-values, and the gains' (sets, rows, P) means over seeds."""
    rng, chunk = np.random.default_rng(0), max(1, 2_000_000 // (len(pairs[0]) * (rows + 1) * seeds))
    zero = {seed: PairSamples(np.zeros(len(pairs[0])), *pairs) for seed in range(seeds)}
    p_values, gains = [], []
    for start in range(0, sets, chunk):
        number = min(chunk, sets - start)
        base, *others = drawn(pairs, odds, number, rng, rows=rows, seeds=seeds, shift=shift)
        measured = [
            {seed: PairSamples(row[k, seed] - base[k, seed], *pairs) for seed in range(seeds)}
            for k in range(number)
            for row in others
        ]
        found = [gap.p_value for gap in differences(measured, zero) if gap is not None]
        p_values.append(np.reshape(found, (number, rows)))
        gains.append(np.stack([(row - base).mean(axis=1) for row in others], axis=1))
    return np.concatenate(p_values), np.concatenate(gains)


def family_wise(p_values: Floats, rows: int) -> float:
    """The share of data sets with any row below 5 % after Holm's correction."""
    return float(np.mean([holm(row[:rows]).min() < 0.05 for row in p_values]))


def percent(share: float, digits: int = 1) -> str:
    """A share in percent."""
    return f"{100 * share:.{digits}f}"


def of_differences(sets: int) -> None:
    """False alarms of one row and of families, one seed."""
    lines = []
    skewed = {"96 %, unequal": Odds(0.96, 0.5, 1.5, base=0.0)}
    for name, make in DESIGNS.items():
        for level, odds in {**LEVELS, **skewed}.items():
            p_values, _ = simulate(make(), odds, sets, rows=20)
            alarms = np.mean(p_values < 0.05)  # over rows, too: they share the baseline alone
            first = np.mean(p_values[:, 0] < 0.05)
            families = [percent(family_wise(p_values, rows)) for rows in ROWS[1:]]
            lines.append([name, level, percent(first), percent(alarms), *families])
            show(lines[-1])
    headers = ["pairs", "PCK", "1 row", "20 rows, each", *(f"Holm {n}" for n in ROWS[1:])]
    print(tabulate(lines, headers, tablefmt="github", disable_numparse=True))


def of_seeds(sets: int) -> None:
    """False alarms with several training seeds."""
    lines = []
    for name, make in DESIGNS.items():
        for level, pck, image, own in (("65 %", 0.65, 0.8, 0.3), ("96 %", 0.96, 1.5, 0.5)):
            for seed in (0.0, 0.1, 0.3):
                odds = Odds(pck, image, own, seed=seed)
                cells = []
                for seeds in (2, 3, 5):
                    p_values, _ = simulate(make(), odds, sets, rows=4, seeds=seeds)
                    cells += [percent(np.mean(p_values < 0.05)), percent(family_wise(p_values, 4))]
                lines.append([name, level, f"{seed:g}", *cells])
                show(lines[-1])
    headers = ["pairs", "PCK", "seed SD"]
    headers += [text for n in (2, 3, 5) for text in (f"{n} seeds", f"{n} seeds, Holm 4")]
    print(tabulate(lines, headers, tablefmt="github", disable_numparse=True))


def of_tails(sets: int) -> None:
    """Far tails, which Holm's correction of many rows reads: many draws of small designs."""
    lines = []
    for name in list(DESIGNS)[:2]:
        for level, odds in LEVELS.items():
            p_values, _ = simulate(DESIGNS[name](), odds, 50 * sets)
            lines.append([name, level, *(f"{np.mean(p_values < a) / a:.2f}" for a in TAILS)])
            show(lines[-1])
    headers = ["pairs", "PCK", *(f"p < {a:g}" for a in TAILS)]
    print(tabulate(lines, headers, tablefmt="github", disable_numparse=True))


TAILS = (0.05, 0.0125, 0.0025, 0.00025)


def of_power(sets: int) -> None:
    """Differences found, beside a mixed model with crossed images at the same share of alarms."""
    lines = []
    for name, make in DESIGNS.items():
        for level, odds in LEVELS.items():
            pairs = make()
            null, gains = simulate(pairs, odds, 2 * sets)
            mixed = MixedModel(pairs)
            at = float(np.mean(null < 0.05))
            shift = shift_for(gains[:, 0])
            p_values, moved = simulate(pairs, odds, 2 * sets, shift=shift / slope(odds))
            before, after = mixed.z(gains[:, 0]), mixed.z(moved[:, 0])
            critical = np.quantile(before, 1 - at)
            found = before > 1.96, p_values < 0.05, after > 1.96, after > critical
            shares = at, *(np.mean(each) for each in found)
            lines.append([name, level, *(percent(float(share)) for share in shares)])
            show(lines[-1])
    headers = ["pairs", "PCK", "alarms", "mixed model's", "power", "mixed model's", "same alarms"]
    print(tabulate(lines, headers, tablefmt="github", disable_numparse=True))


def shift_for(gains: Floats) -> float:
    """A difference that about 70 % of the data sets resolve: 2.5 standard errors."""
    return 2.5 * float(gains.mean(axis=1).std())


def slope(odds: Odds) -> float:
    """How much the mean PCK moves with the log odds."""
    up, down = (Odds(odds.pck + e, odds.image, odds.own) for e in (0.005, -0.005))
    return 0.01 / (intercept(up, odds.own, False) - intercept(down, odds.own, False))


class MixedModel:
    """REML: category means, normal effects of crossed images, noise of pairs.

    The ratio of the two variances is the best of a grid, for all data sets at once.
    """

    def __init__(self, pairs: Pairs) -> None:
        source, target, category = pairs
        number = len(source)
        images = np.zeros((number, max(source.max(), target.max()) + 1))
        np.add.at(images, (np.arange(number), source), 1.0)
        np.add.at(images, (np.arange(number), target), 1.0)
        means = (category[:, None] == np.unique(category)).astype(float)
        weights = means.mean(axis=0)
        self.freedom = number - means.shape[1]
        self.ratios = []
        for ratio in (0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1, 2, 4):
            covariance = np.eye(number) + ratio * images @ images.T
            inverse = np.linalg.inv(covariance)
            inner = means.T @ inverse @ means
            solve = np.linalg.solve(inner, means.T @ inverse)
            precision = inverse - inverse @ means @ solve
            logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1]
            error = float(weights @ np.linalg.solve(inner, weights))
            self.ratios.append((precision, weights @ solve, error, logs))

    def z(self, gains: Floats) -> Floats:
        """(sets,) absolute Wald statistics of the mean of ``gains`` (sets, P)."""
        likelihoods, statistics = [], []
        for precision, estimate, error, logs in self.ratios:
            noise = np.einsum("kp,kp->k", gains @ precision, gains) / self.freedom
            noise = np.maximum(noise, 1e-12)
            likelihoods.append(-0.5 * (self.freedom * np.log(noise) + logs))
            statistics.append(np.abs(gains @ estimate) / np.sqrt(noise * error))
        best = np.argmax(likelihoods, axis=0)
        return np.asarray(np.take_along_axis(np.array(statistics), best[None], axis=0)[0])


def of_means(sets: int) -> None:
    """Coverage of single PCK: whole splits, and slices of 3 to 30 pairs."""
    lines = []
    cases = {name: make() for name, make in DESIGNS.items()}
    for number in (3, 5, 10, 30):
        cases[f"slice of {number}, images shared"] = a_slice(number, shared=True)
        cases[f"slice of {number}, none shared"] = a_slice(number, shared=False)
    for name, pairs in cases.items():
        cells = []
        for pck, image in ((0.5, 0.5), (0.9, 0.8), (0.97, 1.5), (0.995, 1.5)):
            odds = Odds(pck, image, 0.0)
            (_, values) = drawn(pairs, odds, sets, np.random.default_rng(0), rows=1)
            found = intervals([{0: PairSamples(row[0], *pairs)} for row in values])
            if found[0].reason is not None:
                cells.append(found[0].reason)
                continue
            cells.append(percent(float(np.mean([one.low <= pck <= one.high for one in found]))))
        lines.append([name, *cells])
        show(lines[-1])
    headers = ["pairs", "PCK 50 %", "90 %", "97 %, strong", "99.5 %, strong"]
    print(tabulate(lines, headers, tablefmt="github", disable_numparse=True))


def of_speed(rows: int) -> None:
    """Seconds for 50 rows on SPair-71k's 12,234 pairs."""
    rows = min(rows, 50)
    base, *others = drawn(spair(), LEVELS["65 %"], 1, np.random.default_rng(0), rows=rows)
    row_of = [{0: PairSamples(row[0, 0], *spair())} for row in (base, *others)]
    for what in ("first, with the pairs' design", "again"):
        started = time.perf_counter()
        differences(row_of[1:], row_of[0])
        compared = time.perf_counter()
        intervals(row_of)
        ended = time.perf_counter()
        show([what, f"differences {compared - started:.2f}", f"intervals {ended - compared:.2f}"])


PARTS = {
    "differences": of_differences,
    "seeds": of_seeds,
    "tails": of_tails,
    "power": of_power,
    "means": of_means,
    "speed": of_speed,
}


def show(line: list[str]) -> None:
    """Tell that a cell is done."""
    print("  ", *line, sep="  ", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=2000, help="simulated data sets a cell")
    parser.add_argument("--part", choices=PARTS, help="one table; all of them by default")
    arguments = parser.parse_args()
    for name in [arguments.part] if arguments.part else PARTS:
        started = time.perf_counter()
        print(f"\n{PARTS[name].__doc__}\n")
        PARTS[name](arguments.sets)
        print(f"\n{arguments.sets:,} data sets a cell, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
