"""``sd4match data verify``: check that a data set is complete, and list its problems."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageStat

from sd4match.datasets.benchmark import MANIFEST, Benchmark
from sd4match.datasets.benchmarks import BENCHMARKS
from sd4match.datasets.csv_lists import read_text
from sd4match.datasets.images import UNREADABLE, read_image
from sd4match.datasets.pair_arrays import Columns
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError, require_known
from sd4match.files.companions import without_companions

_OPENED = {".jpg", ".jpeg", ".png", ".json"}
_BY_LINE = {".csv", ".txt"}  # lists with a line for each pair


@dataclass(frozen=True)
class SplitReport:
    """What was found in one split.

    Attributes:
        pairs: number of pairs in its list.
        expected: number of pairs that it should have.
        readable: number of pairs whose annotations can be read, and PCK be measured by.
        keypoints: number of common keypoints of the readable pairs.
        outside: number of keypoints outside the image in source or target. Not an error: the
            benchmarks annotate parts that the image cuts off.
        boxes_outside: number of source and target boxes that reach outside the image; no error.
    """

    pairs: int
    expected: int
    readable: int
    keypoints: int
    outside: int
    boxes_outside: int


@dataclass(frozen=True)
class Report:
    """What was found in a data set.

    Attributes:
        dataset: its name.
        folder: its folder.
        generated: whether it is a generated shapes tree, which has counts of its own.
        splits: a report for each split.
        categories: number of categories of the readable pairs.
        images: number of images that the readable pairs need.
        problems: one line for each problem.
        notices: one line for each image that is not read as its pixels are stored, or whose pixels
            are all the same; no error, but worth a look.
    """

    dataset: str
    folder: str
    generated: bool
    splits: Mapping[str, SplitReport]
    categories: int
    images: int
    problems: tuple[str, ...]
    notices: tuple[str, ...] = ()


def verify(
    name: str,
    root: str | os.PathLike[str],
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Check a data set against its published counts, and open every file of it.

    Nothing is written, and no index is used. Every problem is collected.
    docs/explanation/method.md section 2.

    Args:
        name: one of ``datasets.NAMES``.
        root: the data root.
        progress: called with the split, its pairs done and its pairs in all.

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
        notices=tuple(check.notices),
    )


class _Check:
    """What was found in all splits so far. Its dicts are ordered sets."""

    def __init__(self, benchmark: Benchmark, folder: Path) -> None:
        self._benchmark = benchmark
        self._folder = folder
        self.problems: dict[str, None] = {}
        self.notices: dict[str, None] = {}
        self.categories: set[str] = set()
        self.images: set[tuple[Path, tuple[int, int]]] = set()

    def split(
        self, split: str, expected: int, progress: Callable[[str, int, int], None] | None
    ) -> SplitReport:
        """Read all pairs of a split."""
        list_file = self._folder / self._benchmark.lists[split]
        try:
            text = read_text(list_file)
        except SD4MatchError as error:
            self.problems[str(error)] = None
            return SplitReport(0, expected, 0, 0, 0, 0)
        listed = readable = keypoints = outside = boxes = 0
        for listed, in_all, pairs in self._read(list_file, text):
            for pair in pairs:
                try:
                    Columns.of([pair]).require_lengths(self._benchmark.reference, list_file)
                except SD4MatchError as error:
                    self.problems[str(error)] = None
                else:
                    readable += 1
                keypoints += len(pair.keypoint_ids)
                outside += _outside(pair)
                boxes += _boxes_outside(pair)
                self._open_images(pair)
            if progress:
                progress(split, listed, in_all)
        if listed != expected:
            self.problems[f"{list_file}: {listed:,} pairs, expected {expected:,}"] = None
        return SplitReport(listed, expected, readable, keypoints, outside, boxes)

    def _read(self, list_file: Path, text: str) -> Iterator[tuple[int, int, list[ImagePair]]]:
        """The pairs done and in all of a list, and those that are new and readable.

        Pairs of a list with a line for each are read alone, so that none hides another's problems.
        """
        if list_file.suffix not in _BY_LINE:
            try:
                pairs = self._benchmark.read(self._folder, list_file)
            except SD4MatchError as error:
                self.problems[str(error)] = None
                return
            for done, pair in enumerate(pairs, 1):
                yield done, len(pairs), [pair]
            return
        lines = [*enumerate(text.splitlines(), 1)]
        head = [lines.pop(0)[1]] if lines and list_file.suffix == ".csv" else []
        lines = [(number, line) for number, line in lines if line.strip()]
        with tempfile.TemporaryDirectory() as temporary:
            single = Path(temporary) / list_file.name
            for done, (number, line) in enumerate(lines, 1):
                single.write_text("\n".join([*head, line, ""]), encoding="utf-8")
                try:
                    found = self._benchmark.read(self._folder, single)
                except SD4MatchError as error:
                    problem = str(error).replace(
                        f"{single}, line {len(head) + 1}", f"{list_file}, line {number}"
                    )
                    self.problems[problem.replace(str(single), str(list_file))] = None
                    found = []
                yield done, len(lines), found

    def other_files(self, progress: Callable[[str, int, int], None] | None) -> None:
        """Open the images and JSON files that no pair needs: masks, annotations of images."""
        needed = {path for path, _ in self.images}
        others = sorted(
            path
            for path in without_companions(self._folder.rglob("*"))
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

    def _open_images(self, pair: ImagePair) -> None:
        """Decode the images of a pair, unless the same file was decoded before."""
        self.categories.add(pair.category)
        for path, size in (
            (pair.source_path, pair.source_size),
            (pair.target_path, pair.target_size),
        ):
            if (path, size) not in self.images:
                self.images.add((path, size))
                try:
                    image, done = read_image(path, size)
                except SD4MatchError as error:
                    self.problems[str(error)] = None
                    continue
                if all(low == high for low, high in ImageStat.Stat(image).extrema):
                    done.append("all pixels are the same")
                if done:
                    self.notices[f"{path}: {'; '.join(done)}"] = None


def _outside(pair: ImagePair) -> int:
    """The number of keypoints that lie outside one of the pair's images."""
    sides = (
        (pair.source_keypoints, pair.source_size),
        (pair.target_keypoints, pair.target_size),
    )
    source, target = (((points < 0) | (points > size)).any(axis=1) for points, size in sides)
    return int((source | target).sum())


def _boxes_outside(pair: ImagePair) -> int:
    """The number of the pair's boxes that reach outside their image."""
    sides = ((pair.source_box, pair.source_size), (pair.target_box, pair.target_size))
    return sum(
        bool((box < 0).any() or (box > [*size, *size]).any())
        for box, size in sides
        if box is not None
    )


def _generated(root: Path, benchmark: Benchmark) -> dict[str, int] | None:
    """The counts of pairs in a generated shapes tree; None for other data."""
    path = root / MANIFEST
    if not path.is_file():
        return None
    try:
        pairs = json.loads(path.read_bytes())["pairs"]
        if benchmark.name not in pairs:  # a data set that the user put beside the generated ones
            return None
        counts = pairs[benchmark.name]
        return {
            split: int(counts[Path(file).stem.removesuffix("_pairs")])
            for split, file in benchmark.lists.items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise SD4MatchError(
            f"{path}: expected the counts of a shapes benchmark; make it again with "
            "`sd4match data shapes`"
        ) from error
