"""Reading images: a data set's, and what any file's pixels are as RGB."""

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError, require_known

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""Errors that Pillow's decoders raise on damaged files."""

_SWAPPED = (5, 6, 7, 8)  # EXIF orientations that turn an image by a quarter


def load_image(pair: ImagePair, side: Side) -> Image.Image:
    """Load one image of a pair, in the frame of the pair's keypoints.

    Args:
        pair: the pair.
        side: "source" or "target".

    Returns:
        The RGB image (see `to_rgb`), mirrored when ``pair.flip``. Where EXIF turns the image, it is
        upright.

    Raises:
        SD4MatchError: the file is missing, unreadable, or not of the size in the annotation; EXIF
            turns it, and the annotation's size does not show that it is for the upright image.
    """
    require_known(side, ("source", "target"), what="side")
    if side == "source":
        path, size = pair.source_path, pair.source_size
    else:
        path, size = pair.target_path, pair.target_size
    image, _ = read_image(path, size)
    return ImageOps.mirror(image) if pair.flip else image


def read_image(path: Path, size: tuple[int, int]) -> tuple[Image.Image, list[str]]:
    """Read an image for which there is an annotation.

    Args:
        path: the file.
        size: (width, height) of the image in the annotation.

    Returns:
        The RGB image, and what was done to its pixels, in words; nothing for an upright RGB or gray
        image of 8 bits.

    Raises:
        SD4MatchError: as `load_image`.
    """
    try:
        with Image.open(path) as file:
            turned, stored = orientation(file), file.size
            upright = stored[::-1] if turned in _SWAPPED else stored
            if turned != 1 and (upright == stored or size != upright):
                raise SD4MatchError(
                    f"{path}: EXIF turns the image (orientation {turned}), and its annotation does"
                    " not say that it is for the upright image; store the image upright, and check"
                    " its keypoints"
                )
            done = changes(file)
            if file.mode not in ("RGB", "L") and not done:
                done = [f"converted to RGB (mode {file.mode})"]
            image = to_rgb(ImageOps.exif_transpose(file) if turned != 1 else file, path)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    if image.size != size:
        raise SD4MatchError(
            f"{path}: the image is {image.size[0]}x{image.size[1]}, but its annotation is for "
            f"{size[0]}x{size[1]}; get the data set's own image"
        )
    return image, done


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of an opened image, 1 (upright) to 8; 1 where there is none."""
    return int(image.getexif().get(ExifTags.Base.Orientation, 1) or 1)


def changes(image: Image.Image) -> list[str]:
    """Where an opened image is not read as Pillow converts its stored pixels: what is done instead.

    Returns:
        Some words for each change; nothing for an upright, opaque image of 8 bits.
    """
    done = []
    if (turned := orientation(image)) != 1:
        done.append(f"turned upright (EXIF orientation {turned})")
    if image.mode.startswith("I;16"):
        done.append(f"16 bits scaled to 8 (mode {image.mode})")
    elif image.has_transparency_data:
        done.append(f"transparent, shown on white (mode {image.mode})")
    return done


def to_rgb(image: Image.Image, path: Path) -> Image.Image:
    """An image as RGB, for data sets and a user's own files alike.

    16 bits are scaled to 8, and what is transparent shows white; Pillow's own conversion clips 16
    bits, and shows the hidden colors of transparent pixels.

    Args:
        image: an opened image.
        path: its file, for the message.

    Raises:
        SD4MatchError: 32 bits per pixel, for which white is not defined.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise SD4MatchError(f"{path}: white is not defined for 32 bits per pixel: use 8 or 16")
    if image.has_transparency_data:
        colors = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, colors).convert("RGB")
    return image.convert("RGB")


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
