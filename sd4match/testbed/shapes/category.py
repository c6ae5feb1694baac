"""The categories: how each is built, viewed and placed, and the names of its keypoints."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sd4match.testbed.shapes import animals, bikes, birds, cars, household, planes_and_boats
from sd4match.testbed.shapes.object_model import Model
from sd4match.testbed.shapes.palette import Palette

Range = tuple[float, float]


@dataclass(frozen=True)
class Category:
    """A kind of object.

    A keypoint's id is its index in ``keypoints``; "far" is the side turned away from the viewer,
    so that a mirrored image keeps its ids. The first ten keypoints of PF-Willow's objects are on
    the visible side.
    """

    name: str
    build: Callable[[Model, np.random.Generator, Palette], None]
    main: str  # the part whose color is the object's color
    keypoints: tuple[str, ...]
    scenes: tuple[str, ...]
    yaw: Range = (-1.0, 1.0)  # in units of the style's largest
    pitch: Range = (2.0, 20.0)  # degrees
    steady: float = 1.0  # 0 to 1: factor on the style's roll
    mirrored: bool = True  # whether left and right differ


_ALL = (
    Category(
        "aeroplane", planes_and_boats.aeroplane, "fuselage",
        ("nose", "cockpit", "tail end", "fin top", "wing tip", "wing root", "tail tip", "belly",
         "engine", "far wing tip", "far tail tip"),
        ("sky",), pitch=(8.0, 38.0),
    ),
    Category(
        "bicycle", bikes.bicycle, "frame",
        ("front wheel", "rear wheel", "front tyre bottom", "rear tyre bottom", "saddle", "grip",
         "head tube", "crank", "pedal", "far pedal", "far grip"),
        ("road", "grass", "wall", "sand"), (-0.75, 0.75), (0.0, 14.0), 0.6,
    ),
    Category(
        "bird", birds.bird, "body",
        ("beak tip", "eye", "crown", "nape", "breast", "belly", "wing root", "wing tip", "tail tip",
         "foot", "far foot", "far wing tip"),
        ("sky", "grass", "sand", "snow"), (-0.6, 0.8), (-4.0, 14.0),
    ),
    Category(
        "boat", planes_and_boats.boat, "hull",
        ("bow", "stern", "keel front", "keel rear", "mast top", "mast foot", "boom end",
         "jib corner", "cabin roof", "far stern"),
        ("water",), (-0.8, 0.8), (4.0, 20.0), 0.6,
    ),
    Category(
        "bottle", household.bottle, "glass",
        ("cap left", "cap right", "neck left", "neck right", "shoulder left", "shoulder right",
         "base left", "base right", "label top", "label bottom"),
        ("table", "table", "wall", "sand"), (0.0, 0.0), (2.0, 22.0), mirrored=False,
    ),
    Category(
        "bus", cars.bus, "body",
        ("front wheel", "rear wheel", "front bottom", "rear bottom", "front roof", "rear roof",
         "headlight", "first window", "door bottom", "door top", "far front roof", "far rear roof"),
        ("road", "road", "city"), (-0.7, 1.0), (4.0, 20.0), 0.5,
    ),
    Category(
        "car", cars.car, "body",
        ("front wheel", "rear wheel", "front bumper", "rear bumper", "headlight", "taillight",
         "windshield base", "windshield top", "rear window top", "rear window base",
         "far windshield top", "far headlight"),
        ("road", "city", "grass", "sand", "snow"), pitch=(3.0, 22.0), steady=0.5,
    ),
    Category(
        "cat", animals.cat, "body",
        ("ear tip", "far ear tip", "eye", "far eye", "nose", "back", "tail base", "tail tip",
         "front foot", "hind foot", "far front foot", "far hind foot"),
        ("wall", "grass", "table", "snow"), (-0.5, 0.7), (2.0, 16.0), 0.6,
    ),
    Category(
        "chair", household.chair, "legs",
        ("front foot", "rear foot", "far front foot", "far rear foot", "front seat corner",
         "rear seat corner", "far front seat corner", "far rear seat corner", "back top",
         "far back top"),
        ("wall", "wall", "grass"), (-0.5, 1.0), (12.0, 30.0), 0.6,
    ),
    Category(
        "motorbike", bikes.motorbike, "tank",
        ("front wheel", "rear wheel", "headlight", "grip", "tank", "seat", "tail", "engine",
         "exhaust tip", "front fender", "far grip"),
        ("road", "city", "grass", "sand"), (-0.7, 0.8), (0.0, 14.0), 0.6,
    ),
    Category(
        "pottedplant", household.pottedplant, "leaves",
        ("rim left", "rim right", "pot base left", "pot base right", "pot front", "leaf left",
         "leaf right", "leaf top"),
        ("table", "wall", "wall", "grass"), (-0.2, 0.2), (6.0, 24.0), 0.6, mirrored=False,
    ),
    Category(
        "sheep", animals.sheep, "wool",
        ("ear", "far ear", "eye", "nose", "back", "belly", "tail", "front foot", "hind foot",
         "far front foot", "far hind foot"),
        ("grass", "grass", "snow", "sand"), (-0.6, 0.9), (2.0, 14.0), 0.6,
    ),
    Category(
        "duck", birds.duck, "body",
        ("bill tip", "eye", "crown", "nape", "breast", "belly front", "belly rear", "wing front",
         "wing tip", "tail tip"),
        ("water", "grass"), (-0.7, 0.9), (0.0, 14.0), 0.6,
    ),
    Category(
        "winebottle", household.winebottle, "glass",
        ("cap left", "cap right", "neck left", "neck right", "shoulder left", "shoulder right",
         "base left", "base right", "label top", "label bottom"),
        ("table",), (0.0, 0.0), (2.0, 16.0), mirrored=False,
    ),
)  # fmt: skip

CATEGORIES: dict[str, Category] = {category.name: category for category in _ALL}
SHARED = tuple(name for name in CATEGORIES if name not in ("duck", "winebottle"))
"""The twelve categories that PF-Pascal and SPair-71k also have."""
