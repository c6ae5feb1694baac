"""How an image encoder's own processor prepares images, from its files. Does not load torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sd4match.backbones.folders import read_config
from sd4match.errors import SD4MatchError

OWN_FILE = "preprocessor_config.json"
SHARED_FILE = "processor_config.json"
"""Where transformers 5 saves the settings of a model that also has a tokenizer."""

_SECTION = "image_processor"
_FIX = "fetch the file again, or use another image encoder"
_STEPS = {"do_convert_rgb", "do_resize", "do_center_crop", "do_rescale", "do_normalize"}


@dataclass(frozen=True)
class Processing:
    """Resize, centre crop, scale and normalize, in this order.

    Attributes:
        resize: the shorter side in pixels, or (height, width); None for none.
        crop: side of the square that is left, pixels.
        resample: the filter, as ``PIL.Image.Resampling`` counts them.
        divisor: what bytes are divided by.
        mean, std: of each colour, after the division.
    """

    resize: int | tuple[int, int] | None
    crop: int
    resample: int
    divisor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


def processor_settings(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Read the settings of an image processor, as transformers chooses between its files.

    Args:
        folder: the folder of an image encoder.

    Returns:
        The file, and its settings.

    Raises:
        SD4MatchError: no file has such settings, or it is unreadable.
    """
    shared = folder / SHARED_FILE
    if shared.is_file():
        section = read_config(shared).get(_SECTION)
        if isinstance(section, dict):
            return shared, section
    return folder / OWN_FILE, read_config(folder / OWN_FILE)


def read_processing(folder: Path) -> Processing:
    """Read how images are prepared.

    Args:
        folder: the folder of an image encoder.

    Returns:
        The steps.

    Raises:
        SD4MatchError: the settings are missing, broken, or ask for something else than a square
            from a resize and a centre crop.
    """
    path, settings = processor_settings(folder)

    def does(step: str, *, default: bool = True) -> bool:
        return bool(settings.get(step, default))

    if extra := [k for k in settings if k.startswith("do_") and does(k) and k not in _STEPS]:
        raise SD4MatchError(f"{path}: {extra[0]}: only {', '.join(sorted(_STEPS))} are supported")
    resize = _size(settings.get("size")) if does("do_resize") else None
    if does("do_resize") and resize is None:
        raise SD4MatchError(f"{path}: no size with shortest_edge, or height and width: {_FIX}")
    if does("do_center_crop", default="crop_size" in settings):
        what, crop = "crop_size", _size(settings.get("crop_size"))
        crop = (crop, crop) if isinstance(crop, int) else crop  # the form of older files
    else:
        what, crop = "size", resize
    if not isinstance(crop, tuple) or crop[0] != crop[1]:
        raise SD4MatchError(f"{path}: no {what} with equal height and width: {_FIX}")
    resample = settings.get("resample", int(Image.Resampling.BICUBIC))
    if resample not in list(Image.Resampling):
        raise SD4MatchError(f"{path}: no resample {resample}: {_FIX}")
    factor = settings.get("rescale_factor", 1 / 255) if does("do_rescale") else 1.0
    if not (isinstance(factor, int | float) and factor > 0):
        raise SD4MatchError(f"{path}: no rescale_factor {factor}: {_FIX}")
    normal = does("do_normalize")
    return Processing(
        resize=resize,
        crop=crop[0],
        resample=int(resample),
        divisor=1 / factor,
        mean=_colours(settings, "image_mean", path) if normal else (0.0,) * 3,
        std=_colours(settings, "image_std", path) if normal else (1.0,) * 3,
    )


def _size(value: object) -> int | tuple[int, int] | None:
    """The shorter side, or (height, width); None for another form."""
    if isinstance(value, int):  # the form of older files
        return value
    if isinstance(value, Mapping):
        if {"height", "width"} <= value.keys():
            return int(value["height"]), int(value["width"])
        if value.keys() == {"shortest_edge"}:
            return int(value["shortest_edge"])
    return None


def _colours(settings: Mapping[str, Any], name: str, path: Path) -> tuple[float, ...]:
    value = settings.get(name)
    if isinstance(value, int | float):
        value = [value] * 3
    if not (isinstance(value, list) and len(value) == 3):
        raise SD4MatchError(f"{path}: no {name} of three numbers: {_FIX}")
    return tuple(float(each) for each in value)
