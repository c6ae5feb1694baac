"""A user's own image files as pairs that the model takes."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sd4match.datasets.images import UNREADABLE, orientation, to_rgb
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError

File = str | os.PathLike[str]
SIDES: tuple[Side, ...] = ("source", "target")


@contextmanager
def image_pair(
    source: File,
    target: File,
    *,
    points: Sequence[tuple[float, float]] = (),
    category: str | None = None,
) -> Iterator[ImagePair]:
    """Make a pair of two image files, as an image viewer shows them.

    A person who reads a point off a photo sees it rotated as its EXIF says. Sizes and points are
    therefore those of the upright image, on white where it is transparent
    (`sd4match.datasets.images.to_rgb`). A file that is stored upright and opaque is used directly,
    and gives the same bits as an image of a data set; for any other, an upright copy exists inside
    the ``with`` block.

    Args:
        source, target: image files that Pillow reads.
        points: (x, y) in pixels of the upright source; the pair's source keypoints. Their positions
            in the target are unknown: its keypoints are NaN.
        category: what both images show; "" in the pair if not given.

    Yields:
        The pair, of the data set "files".

    Raises:
        SD4MatchError: a missing or unreadable image, or a point outside the source.
    """
    with tempfile.TemporaryDirectory(prefix="sd4match-") as folder:
        (first, size), (second, other_size) = (
            _upright(Path(path), Path(folder) / f"{i}.ppm")
            for i, path in enumerate((source, target))
        )
        for x, y in points:
            if not (0 <= x <= size[0] and 0 <= y <= size[1]):
                raise SD4MatchError(
                    f"point {x:g},{y:g} is outside {os.fspath(source)}, which is "
                    f"{size[0]} pixels wide and {size[1]} high"
                )
        queries = np.array(points, dtype=np.float32).reshape(-1, 2)
        yield ImagePair(
            dataset="files",
            id=f"{os.fspath(source)}:{os.fspath(target)}",
            category=category or "",
            source_id=os.fspath(source),
            target_id=os.fspath(target),
            source_path=first,
            target_path=second,
            flip=False,
            source_keypoints=queries,
            target_keypoints=np.full_like(queries, np.nan),
            keypoint_ids=np.arange(len(queries), dtype=np.int32),
            source_size=size,
            target_size=other_size,
            source_box=None,
            target_box=None,
            attributes={},
        )


@contextmanager
def images(
    files: Sequence[File], *, category: str | None = None
) -> Iterator[list[tuple[ImagePair, Side]]]:
    """Open any number of image files; each two in turn make a pair.

    Args:
        files: image files; the last of an odd number makes a pair with itself.
        category: as for ``image_pair``.

    Yields:
        Each image as a side of a pair.

    Raises:
        SD4MatchError: a missing or unreadable image.
    """
    found: list[tuple[ImagePair, Side]] = []
    with ExitStack() as stack:
        for i in range(0, len(files), 2):
            both = files[i : i + 2]
            pair = stack.enter_context(image_pair(both[0], both[-1], category=category))
            found += [(pair, side) for side, _ in zip(SIDES, both, strict=False)]
        yield found


def _upright(path: Path, copy: Path) -> tuple[Path, tuple[int, int]]:
    """The file to read, itself or a copy, and its (width, height)."""
    try:
        with Image.open(path) as image:
            image.load()
            turned = orientation(image) != 1
            if not (turned or image.has_transparency_data or image.mode.startswith(("I", "F"))):
                return path, image.size
            plain = to_rgb(ImageOps.exif_transpose(image), path)
    except FileNotFoundError as error:
        raise SD4MatchError(f"{path}: no such image file") from error
    except UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SD4MatchError(f"{path}: not a readable image ({reason})") from error
    plain.save(copy)  # uncompressed: a codec's version changes no byte, and so no noise
    return copy, plain.size
