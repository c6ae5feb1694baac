"""The styles of the three benchmarks, and random generators by name."""

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np

from sd4match.testbed.shapes.palette import RGB, Palette

Range = tuple[float, float]


@dataclass(frozen=True)
class Style:
    """How a data set is photographed. Angles in degrees, lengths in pixels."""

    name: str
    palette: Palette
    long_side: tuple[int, int]
    aspects: tuple[float, ...]  # width over height
    yaw: float
    pitch: float  # factor on the category's range
    roll: float
    shear: float
    extent: Range  # of the object, fraction of the image
    shift: float  # largest shift, as a fraction of the room: at 1 the object touches the border
    truncation: float  # probability that the border cuts a part of it off
    distance: Range  # object units
    clutter: tuple[int, int]  # number of objects around
    occlusion: float  # probability that something stands in front
    outline: float
    ink: RGB
    ambient: Range
    diffuse: Range
    blur: float  # of the background
    noise: float  # of the sensor, standard deviation, 0 to 1
    warmth: float  # variation of the light's tint
    texture: float = 1.0  # factor on the surfaces' grain
    studio: bool = False  # a plain background instead of the category's scenes


SPAIR = Style(
    "spair",
    Palette(saturation=0.92, brightness=0.95, jitter=0.035),
    long_side=(152, 200), aspects=(4 / 3, 4 / 3, 3 / 2, 3 / 4, 1.0),
    yaw=52.0, pitch=1.0, roll=12.0, shear=0.1, extent=(0.42, 1.0), shift=0.9,
    truncation=0.3, distance=(3.5, 8.0),
    clutter=(3, 8), occlusion=0.4, outline=0.0, ink=(0, 0, 0),
    ambient=(0.3, 0.5), diffuse=(0.65, 0.95), blur=0.9, noise=0.02, warmth=0.08,
)  # fmt: skip

PF_PASCAL = Style(
    "pf_pascal",
    Palette(saturation=0.72, brightness=1.06, jitter=0.025),
    long_side=(144, 184), aspects=(4 / 3, 4 / 3, 3 / 4),
    yaw=32.0, pitch=0.7, roll=6.0, shear=0.06, extent=(0.62, 0.92), shift=0.6,
    truncation=0.08, distance=(5.0, 9.0),
    clutter=(1, 4), occlusion=0.12, outline=0.0, ink=(0, 0, 0),
    ambient=(0.52, 0.62), diffuse=(0.5, 0.6), blur=2.2, noise=0.008, warmth=0.03, texture=0.7,
)  # fmt: skip

PF_WILLOW = Style(
    "pf_willow",
    Palette(saturation=1.22, brightness=1.08, jitter=0.015),
    long_side=(128, 176), aspects=(4 / 3, 1.0, 3 / 2),
    yaw=12.0, pitch=0.5, roll=3.0, shear=0.02, extent=(0.76, 0.92), shift=0.3,
    truncation=0.0, distance=(7.0, 11.0),
    clutter=(0, 0), occlusion=0.0, outline=1.3, ink=(0.13, 0.11, 0.16),
    ambient=(0.66, 0.7), diffuse=(0.36, 0.42), blur=0.0, noise=0.0, warmth=0.0,
    texture=0.25, studio=True,
)  # fmt: skip

STYLES: dict[str, Style] = {style.name: style for style in (SPAIR, PF_PASCAL, PF_WILLOW)}

GENERAL = replace(
    PF_WILLOW, yaw=34.0, pitch=0.9, roll=8.0, shear=0.05, extent=(0.6, 0.95), truncation=0.15
)
"""PF-Willow's "general" sub-classes, (G): also views other than the side."""

CLUTTERED = replace(PF_WILLOW, clutter=(3, 6), studio=False, roll=8.0, extent=(0.66, 0.9))
"""PF-Willow's wine bottles with clutter, (wC)."""


def named_rng(seed: int, *name: str | int) -> np.random.Generator:
    """Return the random generator of a name, independent of all other names.

    Args:
        seed: the benchmark's seed.
        *name: for example data set, split, category and index.

    Returns:
        A generator that depends only on the seed and the name.
    """
    digest = hashlib.sha256(json.dumps([seed, *name]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
