"""Do intervals and stars hold? Simulated data sets on the pairs of the real benchmarks.

    python -m benchmarks coverage                  # the whole grid (docs/explanation/statistics.md)
    python -m benchmarks coverage --part means     # or: differences, seeds, tails, …
    python -m benchmarks coverage --sets 500       # faster, and less certain

Configurations are alike on average (`benchmarks.simulated_pairs`), so that each significant
difference is a false alarm. A share of N data sets has a Monte Carlo error of
sqrt(0.05 * 0.95 / N): 0.5 % of 2,000.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from benchmarks.mixed_model import MixedModel
from benchmarks.simulated_pairs import (
    DESIGNS,
    LEVELS,
    Floats,
    Odds,
    Pairs,
    a_slice,
    drawn,
    intercept,
    spair,
)
from study.analysis.statistics.design import design
from study.analysis.statistics.errors import gap_errors
from study.analysis.statistics.seeds import distances
from study.analysis.statistics.stats import PairSamples, differences, intervals

FAMILIES = (4, 5, 20)
TAILS = (0.05, 0.0125, 0.0025, 0.00025)
SEEDS = (2, 3, 5)


@dataclass(frozen=True)
class Gaps:
    """Differences of rows to the baseline in many data sets, as `differences` finds them.

    Attributes:
        effects: (sets, rows) differences of mean PCK.
        images, seeds: (sets, rows) the two parts of their standard errors.
        freedom: degrees of freedom of the first.
        number: of seeds.
        of_pairs: (sets, P) the first row's differences, means over seeds.
    """

    effects: Floats
    images: Floats
    seeds: Floats
    freedom: float
    number: int
    of_pairs: Floats

    def found(self, level: float) -> NDArray[np.bool_]:
        """(sets, rows) whether the p-value is below a level."""
        far = distances(self.images, self.freedom, self.seeds, self.number, level / 2)
        return np.asarray(np.abs(self.effects) > far)

    def families(self, rows: int) -> float:
        """The share of data sets with a star, corrected by Holm's method, in the first rows."""
        return float(self.found(0.05 / rows)[:, :rows].any(axis=1).mean())


def simulate(
    pairs: Pairs, odds: Odds, sets: int, *, rows: int = 1, seeds: int = 1, shift: float = 0.0
) -> Gaps:
    """Differences of configurations that are alike, or differ by ``shift`` on the log odds."""
    rng, common = np.random.Generator(np.random.SFC64(0)), design(*pairs)
    chunk = max(1, 500_000 // (len(pairs[0]) * (rows + 1) * seeds))
    parts = []
    for start in range(0, sets, chunk):
        number = min(chunk, sets - start)
        base, *others = drawn(pairs, odds, number, rng, rows=rows, seeds=seeds, shift=shift)
        gains = np.stack([row - base for row in others], axis=1)
        errors = gap_errors(common, gains.reshape(-1, *gains.shape[2:]))
        images, by_seeds = (np.reshape(error, (number, rows)) for error in errors)
        parts.append((gains.mean(axis=(2, 3)), images, by_seeds, gains[:, 0].mean(axis=1)))
    effects, images, by_seeds, of_pairs = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return Gaps(effects, images, by_seeds, common.freedom, seeds, of_pairs)


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f}"


def of_differences(sets: int) -> None:
    """False alarms of one row and of families, one seed."""
    lines = []
    skewed = {"96 %, unequal": Odds(0.96, 0.5, 1.5, base=0.0)}
    for name, make in DESIGNS.items():
        for level, odds in {**LEVELS, **skewed}.items():
            gaps = simulate(make(), odds, sets, rows=max(FAMILIES))
            alarms = gaps.found(0.05)  # each of 20, too: they share the baseline alone
            cells = [alarms[:, 0].mean(), alarms.mean(), *map(gaps.families, FAMILIES)]
            lines.append([name, level, *(percent(float(cell)) for cell in cells)])
            show(lines[-1])
    table(lines, "pairs", "PCK", "1 row", "each of 20", *(f"Holm, {n} rows" for n in FAMILIES))


def of_seeds(sets: int) -> None:
    """False alarms with several training seeds, four rows."""
    lines = []
    for name, make in DESIGNS.items():
        for level in ("65 %", "96 %"):
            for seed in (0.05, 0.15, 0.3):
                cells = []
                for seeds in SEEDS:
                    gaps = simulate(make(), trained(level, seed), sets, rows=4, seeds=seeds)
                    cells += [percent(float(gaps.found(0.05).mean())), percent(gaps.families(4))]
                lines.append([name, level, f"{seed:g}", *cells])
                show(lines[-1])
    headers = [text for n in SEEDS for text in (f"{n} seeds", "Holm, 4 rows")]
    table(lines, "pairs", "PCK", "SD of seeds", *headers)


def trained(level: str, seed: float) -> Odds:
    """A level where each training has an effect."""
    one = LEVELS[level]
    return Odds(one.pck, one.image, one.own, seed=seed)


def of_tails(sets: int) -> None:
    """Far tails, which Holm's correction reads: 25 times the data sets, two rows each."""
    lines = []
    for name, make in DESIGNS.items():
        cases = [(level, odds, 1) for level, odds in LEVELS.items()]
        cases += [(level, trained(level, 0.15), n) for level in ("65 %", "96 %") for n in (2, 3)]
        for level, odds, seeds in cases:
            gaps = simulate(make(), odds, 25 * sets, rows=2, seeds=seeds)
            cells = [f"{gaps.found(tail).mean() / tail:.2f}" for tail in TAILS]
            lines.append([name, level, f"{seeds}", *cells])
            show(lines[-1])
    table(lines, "pairs", "PCK", "seeds", *(f"p < {tail:g}" for tail in TAILS))


def of_power(sets: int) -> None:
    """Differences found, beside a mixed model with crossed images at the same share of alarms."""
    lines = []
    for name, make in DESIGNS.items():
        for level, odds in LEVELS.items():
            pairs = make()
            null = simulate(pairs, odds, 2 * sets)
            mixed = MixedModel(pairs)
            alarms = float(null.found(0.05).mean())
            # A difference of 2.5 standard errors: about 70 % of the data sets show it.
            shift = 2.5 * float(null.effects.std()) / slope(odds)
            moved = simulate(pairs, odds, 2 * sets, shift=shift)
            before, after = mixed.z(null.of_pairs), mixed.z(moved.of_pairs)
            critical = np.quantile(before, 1 - alarms)
            found = before > 1.96, moved.found(0.05), after > 1.96, after > critical
            shares = alarms, *(float(np.mean(each)) for each in found)
            lines.append([name, level, *map(percent, shares)])
            show(lines[-1])
    headers = ["alarms", "mixed model's", "power", "mixed model's", "the same, at our alarms"]
    table(lines, "pairs", "PCK", *headers)


def slope(odds: Odds) -> float:
    """How much the mean PCK moves with the log odds."""
    up, down = (Odds(odds.pck + e, odds.image, odds.own) for e in (0.005, -0.005))
    return 0.01 / (intercept(up, odds.own, False) - intercept(down, odds.own, False))


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
            (values,) = drawn(pairs, odds, sets, np.random.default_rng(0), rows=0)
            found = intervals([{0: PairSamples(row[0], *pairs)} for row in values])
            if found[0].reason is not None:
                cells.append(found[0].reason)
                continue
            cells.append(percent(float(np.mean([one.low <= pck <= one.high for one in found]))))
        lines.append([name, *cells])
        show(lines[-1])
    table(lines, "pairs", "50 %", "90 %", "97 %, strong", "99.5 %, strong")


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
    "means": of_means,
    "power": of_power,
    "tails": of_tails,
    "speed": of_speed,
}


def show(line: list[str]) -> None:
    """Tell that a cell is done."""
    print("  ", *line, sep="  ", flush=True)


def table(lines: list[list[str]], *headers: str) -> None:
    """Print a part's table as the documentation has it."""
    print("\n" + tabulate(lines, headers, tablefmt="github", disable_numparse=True))


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
