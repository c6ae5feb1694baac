"""Models of objects: colored solids in object space, with named keypoints.

Object space: x points where the object faces, y up, z to the viewer; about two units long. The
viewer never goes behind the object (the yaw stays within 90 degrees), so the side towards +z is
the *near* one. Part names are the nouns of captions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sd4match.testbed.shapes.palette import Paint

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Solid:
    """Something with a surface. ``points`` (n, 3) are what the camera projects."""

    part: str
    paint: Paint
    points: Floats


@dataclass(frozen=True)
class Panel(Solid):
    """A flat polygon, seen from the side its ``normal`` points to (from both when None)."""

    normal: Floats | None


@dataclass(frozen=True)
class Blob(Solid):
    """An ellipsoid: its center and the three ends of its half axes are the points (4, 3)."""


@dataclass(frozen=True)
class Tube(Solid):
    """A round limb along its points, with ``radii`` (n,)."""

    radii: Floats


@dataclass(frozen=True)
class Turned(Solid):
    """A body of revolution: ``rings`` circles of equally many points, one after another."""

    rings: int


@dataclass(frozen=True)
class Keypoint:
    """A named point, hidden by everything that is painted over it later."""

    name: str
    points: Floats  # (1, 3)
    normal: Floats | None


@dataclass
class Group:
    """Solids painted in order. Groups are painted by layer, then from far to near."""

    layer: int
    items: list[Solid | Keypoint] = field(default_factory=list)


@cache
def circle(n: int = 22) -> Floats:
    """Unit circle, counter-clockwise, (n, 2)."""
    angle = np.arange(n) * (2 * np.pi / n)
    return np.stack((np.cos(angle), np.sin(angle)), axis=1)


def curve(points: ArrayLike, n: int = 10) -> Floats:
    """A smooth line of ``n`` points through the given ones (Catmull-Rom), any dimension."""
    knots = np.asarray(points, float)
    knots = np.concatenate((2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]))
    at = np.linspace(0, len(knots) - 3 - 1e-9, n)
    start = at.astype(int)
    t = (at - start)[:, None]
    a, b, c, d = (knots[start + i] for i in range(4))
    line: Floats = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return line


class Model:
    """An object under construction."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.colours: dict[str, str] = {}  # part -> color word, in order of mention

    def group(self, layer: int = 0) -> None:
        """Start a new group for the following items."""
        self.groups.append(Group(layer))

    def add(self, solid: Solid) -> None:
        """Add a solid to the current group."""
        self.colours.setdefault(solid.part, solid.paint.name)
        self.groups[-1].items.append(solid)

    def keypoint(self, name: str, point: ArrayLike, normal: ArrayLike | None = None) -> None:
        """Name a point (x, y, z); with a normal it is hidden when that side faces away."""
        at = np.asarray(point, float).reshape(1, 3)
        outward = None if normal is None else np.asarray(normal, float)
        self.groups[-1].items.append(Keypoint(name, at, outward))

    def panel(
        self, part: str, paint: Paint, points: ArrayLike, toward: ArrayLike | None = None
    ) -> None:
        """A flat polygon (n, 3) that faces ``toward``, or both ways."""
        corners = np.asarray(points, float)
        self.add(Panel(part, paint, corners, None if toward is None else np.asarray(toward, float)))

    def side(self, part: str, paint: Paint, outline: ArrayLike, z: float | Floats) -> None:
        """A polygon of (x, y) on the near side, at depth ``z`` (one, or one per point)."""
        flat = np.asarray(outline, float)
        points = np.column_stack((flat, np.broadcast_to(z, len(flat))))
        self.panel(part, paint, points, (0, 0, 1))

    def across(
        self, part: str, paint: Paint, edge: ArrayLike, width: float, *, toward: ArrayLike
    ) -> None:
        """A rectangle that spans z from -width to width between two (x, y) points."""
        (ax, ay), (bx, by) = np.asarray(edge, float)
        corners = [(ax, ay, -width), (bx, by, -width), (bx, by, width), (ax, ay, width)]
        self.panel(part, paint, corners, toward)

    def extrude(
        self, part: str, paint: Paint, outline: ArrayLike, depth: float | Sequence[float] | Floats
    ) -> None:
        """A convex (x, y) outline, counter-clockwise, spanning z from -depth to depth."""
        flat = np.asarray(outline, float)
        deep = np.broadcast_to(np.asarray(depth, float), len(flat))
        near, far = np.column_stack((flat, deep)), np.column_stack((flat, -deep))
        for i in range(len(flat)):
            j = (i + 1) % len(flat)
            edge = flat[j] - flat[i]
            normal = np.array((edge[1], -edge[0], 0.0))
            self.add(Panel(part, paint, np.stack((far[i], far[j], near[j], near[i])), normal))
        self.add(Panel(part, paint, near, np.array((0.0, 0.0, 1.0))))

    def disc(
        self, part: str, paint: Paint, centre: ArrayLike, radius: float, *, hole: float = 0
    ) -> None:
        """A disc, or a ring, in a plane of constant z, seen from both sides."""
        rim = np.column_stack((circle(), np.zeros(22)))
        points = rim * radius
        if hole:
            # A keyhole: out around the rim, back around the hole.
            points = np.concatenate((points, points[:1], rim[:1] * hole, rim[::-1] * hole))
        self.panel(part, paint, points + np.asarray(centre, float))

    def blob(
        self, part: str, paint: Paint, centre: ArrayLike, radii: ArrayLike, tilt: float = 0
    ) -> None:
        """An ellipsoid with half axes along x, y and z, tilted in the x-y plane by degrees."""
        c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
        axes = np.diag(np.asarray(radii, float)) @ np.array(((c, s, 0), (-s, c, 0), (0, 0, 1)))
        middle = np.asarray(centre, float)
        self.add(Blob(part, paint, np.concatenate((middle[None], middle + axes))))

    def tube(self, part: str, paint: Paint, points: ArrayLike, radii: ArrayLike) -> None:
        """A limb along (n, 3) points; one radius, or several spread evenly along it."""
        line = np.asarray(points, float)
        given = np.atleast_1d(np.asarray(radii, float))
        spread = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(given)), given)
        self.add(Tube(part, paint, line, spread))

    def turned(
        self,
        part: str,
        paint: Paint,
        profile: ArrayLike,
        *,
        at: ArrayLike = (0, 0, 0),
        axis: str = "y",
    ) -> None:
        """A body of revolution about an axis through ``at``: rows of (radius, position along)."""
        rim, rings = circle(), []
        for radius, along in np.asarray(profile, float):
            flat = np.column_stack((rim * radius, np.full(len(rim), along)))
            rings.append(flat[:, {"x": [2, 0, 1], "y": [0, 2, 1], "z": [0, 1, 2]}[axis]])
        points = np.concatenate(rings) + np.asarray(at, float)
        self.add(Turned(part, paint, points, len(rings)))
