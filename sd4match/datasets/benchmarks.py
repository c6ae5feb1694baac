"""The registry of data sets, and opening a split of one."""

import os
from pathlib import Path

import numpy as np

from sd4match.datasets.benchmark import MANIFEST, Benchmark
from sd4match.datasets.index import read_columns
from sd4match.datasets.pair_set import PairSet
from sd4match.datasets.pf_pascal import PF_PASCAL_BENCHMARK
from sd4match.datasets.pf_willow import PF_WILLOW_BENCHMARK
from sd4match.datasets.spair import SPAIR_BENCHMARK
from sd4match.errors import SD4MatchError, require_known

BENCHMARKS = {b.name: b for b in (PF_PASCAL_BENCHMARK, PF_WILLOW_BENCHMARK, SPAIR_BENCHMARK)}
"""Every data set by name. A new one is added here (docs/how-to/data-set.md)."""

NAMES = tuple(BENCHMARKS)
"""The names of all data sets."""

FOLDERS = {name: benchmark.folder for name, benchmark in BENCHMARKS.items()}
"""The folder of each data set in the data root."""

SPLITS = {name: tuple(benchmark.lists) for name, benchmark in BENCHMARKS.items()}
"""The splits of each data set."""

CATEGORIES = {name: benchmark.categories for name, benchmark in BENCHMARKS.items()}
"""The category names of each data set; PF-Willow's are sub-classes."""


def load(
    name: str, root: str | os.PathLike[str], split: str, *, category: str | None = None
) -> PairSet:
    """Open a split of a data set.

    The first call parses every annotation; later calls read an index (see ``index``).

    Args:
        name: one of ``NAMES``.
        root: the data root, which holds a folder for each data set, such as ``SPair-71k/``.
        split: one of ``SPLITS[name]``.
        category: keep only the pairs of this category (PF-Willow: sub-class), by its full name.

    Returns:
        The pairs, in the order of the data set's list. Pairs without common keypoints are kept.

    Raises:
        SD4MatchError: an unknown name, split or category; a missing or broken file.
    """
    require_known(name, NAMES, what="data set")
    require_known(split, SPLITS[name], what=f"split of {name}")
    benchmark = BENCHMARKS[name]
    if category is not None:
        require_known(category, benchmark.categories, what=f"category of {name}")
    folder = _find(benchmark, Path(root), split)
    columns = read_columns(benchmark, folder, split)
    rows = np.arange(len(columns.ids), dtype=np.int64)
    pairs = PairSet(columns, rows, dataset=name, split=split, folder=folder)
    return pairs if category is None else pairs.of_category(category)


def check_root(root: Path) -> None:
    """Refuse a data root that is a data set's own folder, inside of one, or above a data root.

    Args:
        root: the data root, in which a data set was not found.

    Raises:
        SD4MatchError: says what the folder is, and which one to give.
    """
    place = root.absolute()
    if _holds_any(place):
        return
    for folder in (place, *place.parents):
        for benchmark in BENCHMARKS.values():
            lists = (folder / file for file in benchmark.lists.values())
            named = folder == place and folder.name == benchmark.folder
            if named or any(map(Path.is_file, lists)):
                what = f"{benchmark.folder} itself" if folder == place else f"inside of {folder}"
                raise SD4MatchError(
                    f"data root {root} is {what}: give the folder above it, {folder.parent}, "
                    f"that has it as {benchmark.folder}"
                )
    # Who plans a study of the real data beside the generated benchmark does not mean that.
    real = (folder for folder in sorted(place.glob("*/")) if not (folder / MANIFEST).is_file())
    if below := next(filter(_holds_any, real), None):
        raise SD4MatchError(f"data root {root} holds no data set, but {below} does: give that")


def generated_below(root: Path) -> Path | None:
    """The generated benchmark one level below a folder, if there is one.

    Args:
        root: of the data sets, as someone typed it.
    """
    return next((place for place in sorted(root.glob("*/")) if (place / MANIFEST).is_file()), None)


def _holds_any(root: Path) -> bool:
    """Whether some data set is in a data root."""
    return any((root / name).is_dir() for name in FOLDERS.values())


def _find(benchmark: Benchmark, root: Path, split: str) -> Path:
    """The data set's folder; it and the split's list must exist."""
    folder = root / benchmark.folder
    makers = (
        f"`sd4match data shapes {root}` generates small data sets, "
        f"`sd4match data download` fetches the real ones"
    )
    if not folder.is_dir():
        check_root(root)
        if not root.is_dir():
            raise SD4MatchError(f"no data folder {root}: expected {folder}; {makers}")
        raise SD4MatchError(f"no {benchmark.name} in {root}: expected {folder}; {makers}")
    if not (folder / benchmark.lists[split]).is_file():
        raise SD4MatchError(f"{folder / benchmark.lists[split]}: missing pair list; {makers}")
    return folder
