"""Reading the images of a data set."""

from pathlib import Path

from PIL import Image, ImageOps

from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError, require_known

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""Errors that Pillow's decoders raise on damaged files."""


def load_image(pair: ImagePair, side: Side) -> Image.Image:
    """Load one image of a pair, in the frame of the pair's keypoints.

    Args:
        pair: the pair.
        side: "source" or "target".

    Returns:
        The RGB image, mirrored when ``pair.flip``. EXIF orientation is not applied: the annotations
        are in stored pixels.

    Raises:
        SD4MatchError: the file is missing, unreadable, or not of the size in the annotation.
    """
    require_known(side, ("source", "target"), what="side")
    if side == "source":
        path, size = pair.source_path, pair.source_size
    else:
        path, size = pair.target_path, pair.target_size
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    if image.size != size:
        raise SD4MatchError(
            f"{path}: the image is {image.size[0]}x{image.size[1]}, but its annotation is for "
            f"{size[0]}x{size[1]}; get the data set's own image"
        )
    return ImageOps.mirror(image) if pair.flip else image


def image_size(path: Path) -> tuple[int, int]:
    """Read an image's (width, height) from its header, without decoding it.

    Raises:
        SD4MatchError: the file is missing or is not an image.
    """
    try:
        with Image.open(path) as file:
            return file.size
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: BaseException) -> SD4MatchError:
    if isinstance(error, FileNotFoundError):
        return SD4MatchError(f"{path}: missing image; the data set is incomplete, fetch it again")
    return SD4MatchError(f"{path}: expected a readable image, but {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
