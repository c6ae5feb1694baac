"""The training corpus: drawings with captions and a landmark label for every cell.

They are drawn as for the shapes benchmark but under another name, so that they contain no object,
pose or scene of the benchmark.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sd4match.files.cache import file_hash
from sd4match.files.companions import without_companions
from sd4match.testbed.nano.training.input_hash import identity
from sd4match.testbed.shapes.annotated_drawing import Drawing, draw
from sd4match.testbed.shapes.category import CATEGORIES
from sd4match.testbed.shapes.style import STYLES, named_rng

SIDE = 128
"""Side of an image, pixels."""

CELLS = 32
"""Side of the map of regions."""

NAMES = tuple(CATEGORIES)
LANDMARKS = max(len(category.keypoints) for category in CATEGORIES.values())
_BATCH = 64
_ARRAYS: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
    "pixels": ((SIDE, SIDE, 3), np.uint8),
    "regions": ((CELLS, CELLS), np.uint8),
    "points": ((LANDMARKS, 2), np.float32),
    "visible": ((LANDMARKS,), np.bool_),
    "categories": ((), np.uint8),
}


@dataclass(frozen=True)
class Corpus:
    """n drawings, resized to squares as for the UNet.

    Attributes:
        pixels: (n, 128, 128, 3) uint8.
        regions: (n, 32, 32) uint8: 0 outside the object, else 1 + id of the nearest landmark.
        points: (n, L, 2) float32: a landmark's (x, y) as fractions of the image's sides.
        visible: (n, L) bool.
        categories: (n,) uint8: index in ``NAMES``.
        captions: n descriptions.
        identity: hash of all of these.
    """

    pixels: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    points: NDArray[np.float32]
    visible: NDArray[np.bool_]
    categories: NDArray[np.uint8]
    captions: list[str]
    identity: str

    def __len__(self) -> int:
        return len(self.categories)


def open_corpus(
    folder: Path, *, images: int, seed: int, progress: Callable[[int], None] = lambda drawn: None
) -> Corpus:
    """Open a corpus; draw it if it does not exist.

    Args:
        folder: folder of corpora.
        images: number of drawings; categories and styles alternate.
        seed: seed of the drawings.
        progress: called with the number of drawings done.

    Returns:
        The corpus; its arrays are mapped from disk.
    """
    home = folder / f"corpus-{seed}-{images}"
    if not home.is_dir():
        _draw_all(home, images, seed, progress)
    arrays: dict[str, Any] = {
        name: np.load(home / f"{name}.npy", mmap_mode="r") for name in _ARRAYS
    }
    return Corpus(
        **arrays,
        captions=json.loads((home / "captions.json").read_text()),
        identity=identity(
            {}, [file_hash(path) for path in sorted(without_companions(home.iterdir()))]
        ),
    )


def drawing(seed: int, number: int) -> Drawing:
    """Draw one drawing of a corpus.

    Args:
        seed: the corpus's seed.
        number: number of the drawing; categories and styles alternate.
    """
    style = list(STYLES)[number // len(NAMES) % len(STYLES)]
    return draw(NAMES[number % len(NAMES)], style, named_rng(seed, "nano", number))


def _draw_all(home: Path, images: int, seed: int, progress: Callable[[int], None]) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=home.parent, prefix=".corpus-"))
    try:
        arrays = {
            name: np.lib.format.open_memmap(
                temporary / f"{name}.npy", mode="w+", dtype=dtype, shape=(images, *shape)
            )
            for name, (shape, dtype) in _ARRAYS.items()
        }
        captions: list[str] = []
        starts = range(0, images, _BATCH)
        workers = min(os.cpu_count() or 1, len(starts))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for rows in pool.map(partial(_draw_some, images, seed), starts):
                first = len(captions)
                for name, array in arrays.items():
                    array[first : first + len(rows)] = [row[name] for row in rows]
                captions += [row["caption"] for row in rows]
                progress(len(captions))
        for array in arrays.values():
            array.flush()
        (temporary / "captions.json").write_text(json.dumps(captions))
        temporary.replace(home)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _draw_some(images: int, seed: int, start: int) -> list[dict[str, Any]]:
    return [_draw_one(seed, i) for i in range(start, min(start + _BATCH, images))]


def _draw_one(seed: int, number: int) -> dict[str, Any]:
    drawn = drawing(seed, number)
    size = np.array(drawn.image.size)
    points = np.zeros((LANDMARKS, 2), np.float32)
    visible = np.zeros(LANDMARKS, np.bool_)
    for i, point in drawn.keypoints.items():
        points[i], visible[i] = point / size, drawn.visible[i]
    square = drawn.image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    mask = Image.fromarray(drawn.mask.astype(np.uint8) * 255)
    covered = np.asarray(mask.resize((CELLS, CELLS), Image.Resampling.BOX)) > 127
    return {
        "pixels": np.asarray(square),
        "regions": _regions(covered, points, visible),
        "points": points,
        "visible": visible,
        "categories": number % len(NAMES),
        "caption": drawn.caption,
    }


def _regions(
    covered: NDArray[np.bool_], points: NDArray[np.float32], visible: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Assign every cell of the object to its nearest visible landmark."""
    regions = np.zeros((CELLS, CELLS), np.uint8)
    seen = np.flatnonzero(visible)
    if len(seen):
        rows, columns = np.nonzero(covered)
        cells = (np.stack((columns, rows), axis=1) + 0.5) / CELLS
        distance = np.linalg.norm(cells[:, None] - points[seen], axis=-1)
        regions[rows, columns] = 1 + seen[distance.argmin(1)]
    return regions
