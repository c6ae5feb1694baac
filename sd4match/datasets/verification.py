"""``sd4match data verify``: whether a benchmark is whole, and what is wrong with it."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sd4match.datasets.benchmark import Benchmark
from sd4match.datasets.benchmarks import BENCHMARKS
from sd4match.datasets.images import UNREADABLE, load_image
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.datasets.tables import read_text
from sd4match.errors import SD4MatchError, require_known

_OPENED = {".jpg", ".jpeg", ".png", ".json"}


@dataclass(frozen=True)
class SplitReport:
    """What was found in one split.

    Attributes:
        pairs: the pairs that its list names.
        expected: how many there should be.
        readable: those of the pairs whose annotations can be read.
        keypoints: the common keypoints of the readable pairs.
        outside: those that lie outside the image in source or target. No mistake in itself: the
            benchmarks annotate parts that the image cuts off.
    """

    pairs: int
    expected: int
    readable: int
    keypoints: int
    outside: int


@dataclass(frozen=True)
class Report:
    """What was found in a data set.

    Attributes:
        dataset: its name.
        folder: where it is.
        generated: whether it is a generated shapes tree, with its own counts.
        splits: what was found in each split.
        categories: the number of categories of the readable pairs.
        images: the number of images that the readable pairs need.
        problems: what is wrong, one line each; empty when nothing is.
    """

    dataset: str
    folder: str
    generated: bool
    splits: Mapping[str, SplitReport]
    categories: int
    images: int
    problems: tuple[str, ...]


def verify(
    name: str,
    root: str | os.PathLike[str],
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Check a benchmark against docs/explanation/method.md section 2, and open every file of it.

    Nothing is written, and no index is trusted. It goes on after every problem.

    Args:
        name: one of ``datasets.NAMES``.
        root: the folder that holds the data sets.
        progress: called with the split and the numbers of its pairs done and in all.

    Returns:
        The report.

    Raises:
        SD4MatchError: an unknown name, or no such data set in ``root``.
    """
    require_known(name, BENCHMARKS, what="data set")
    benchmark, root = BENCHMARKS[name], Path(root)
    folder = root / benchmark.folder
    if not folder.is_dir():
        raise SD4MatchError(
            f"no {name} in {root}: expected {folder}; `sd4match data download {name} {root}` "
            "fetches it"
        )
    generated = _generated(root, benchmark)
    check = _Check(benchmark, folder)
    published = {split: pairs for split, (pairs, _) in benchmark.published.items()}
    splits = {
        split: check.split(split, expected, progress)
        for split, expected in (generated or published).items()
    }
    check.other_files(progress)
    absent = [category for category in benchmark.categories if category not in check.categories]
    if absent and not generated:
        check.problems[f"{folder}: no readable pair of {', '.join(absent)}"] = None
    return Report(
        dataset=name,
        folder=str(folder),
        generated=generated is not None,
        splits=splits,
        categories=len(check.categories),
        images=len({path for path, _ in check.images}),
        problems=tuple(check.problems),
    )


class _Check:
    """What the pairs of all splits have shown so far. Its dicts are ordered sets."""

    def __init__(self, benchmark: Benchmark, folder: Path) -> None:
        self._benchmark = benchmark
        self._folder = folder
        self.problems: dict[str, None] = {}
        self.categories: set[str] = set()
        self.images: set[tuple[Path, tuple[int, int]]] = set()

    def split(
        self, split: str, expected: int, progress: Callable[[str, int, int], None] | None
    ) -> SplitReport:
        """Read every pair of a split alone, so that none hides the problems of another."""
        list_file = self._folder / self._benchmark.lists[split]
        try:
            lines = [*enumerate(read_text(list_file).splitlines(), 1)]
        except SD4MatchError as error:
            self.problems[str(error)] = None
            return SplitReport(0, expected, 0, 0, 0)
        head = [lines.pop(0)[1]] if lines and list_file.suffix == ".csv" else []
        lines = [(number, line) for number, line in lines if line.strip()]
        readable = keypoints = outside = 0
        with tempfile.TemporaryDirectory() as temporary:
            single = Path(temporary) / list_file.name
            for done, (number, line) in enumerate(lines, 1):
                single.write_text("\n".join([*head, line, ""]), encoding="utf-8")
                try:
                    pairs = self._benchmark.read(self._folder, single)
                except SD4MatchError as error:
                    text = str(error).replace(
                        f"{single}, line {len(head) + 1}", f"{list_file}, line {number}"
                    )
                    self.problems[text.replace(str(single), str(list_file))] = None
                    continue
                for pair in pairs:
                    readable += 1
                    keypoints += len(pair.keypoint_ids)
                    outside += _outside(pair)
                    self._look_at(pair)
                if progress:
                    progress(split, done, len(lines))
        if len(lines) != expected:
            self.problems[f"{list_file}: {len(lines):,} pairs, expected {expected:,}"] = None
        return SplitReport(len(lines), expected, readable, keypoints, outside)

    def other_files(self, progress: Callable[[str, int, int], None] | None) -> None:
        """Open the images and JSON files that no pair needs: masks, annotations of images."""
        needed = {path for path, _ in self.images}
        others = sorted(
            path
            for path in self._folder.rglob("*")
            if path.suffix in _OPENED and path not in needed and "PairAnnotation" not in path.parts
        )
        for done, path in enumerate(others, 1):
            try:
                if path.suffix == ".json":
                    json.loads(read_text(path))
                else:
                    with Image.open(path) as image:
                        image.load()
            except SD4MatchError as error:
                self.problems[str(error)] = None
            except (*UNREADABLE, RecursionError) as error:
                reason = " ".join(str(error).split())[:100]
                self.problems[f"{path}: cannot be read ({reason})"] = None
            if progress:
                progress("other files", done, len(others))

    def _look_at(self, pair: ImagePair) -> None:
        """Decode the images of a pair, unless one of that size was decoded before."""
        self.categories.add(pair.category)
        images: dict[Side, tuple[Path, tuple[int, int]]] = {
            "source": (pair.source_path, pair.source_size),
            "target": (pair.target_path, pair.target_size),
        }
        for side, image in images.items():
            if image not in self.images:
                self.images.add(image)
                try:
                    load_image(pair, side)
                except SD4MatchError as error:
                    self.problems[str(error)] = None


def _outside(pair: ImagePair) -> int:
    """The number of keypoints that lie outside one of the pair's images."""
    sides = (
        (pair.source_keypoints, pair.source_size),
        (pair.target_keypoints, pair.target_size),
    )
    source, target = (((points < 0) | (points > size)).any(axis=1) for points, size in sides)
    return int((source | target).sum())


def _generated(root: Path, benchmark: Benchmark) -> dict[str, int] | None:
    """The pairs a split of a generated shapes tree, as it says itself; None for other data."""
    from sd4match.datasets.benchmark import MANIFEST  # slow to import

    path = root / MANIFEST
    if not path.is_file():
        return None
    try:
        pairs = json.loads(path.read_bytes())["pairs"][benchmark.name]
        return {
            split: int(pairs[Path(file).stem.removesuffix("_pairs")])
            for split, file in benchmark.lists.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise SD4MatchError(
            f"{path}: expected the counts of a shapes benchmark; make it again with "
            "`sd4match data shapes`"
        ) from error
