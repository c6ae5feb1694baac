"""Painting a model: solids become polygons with a shading, keypoints become pixels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sd4match.testbed.shapes.camera import Camera
from sd4match.testbed.shapes.canvas import Canvas, Slope
from sd4match.testbed.shapes.object_model import (
    Blob,
    Floats,
    Group,
    Keypoint,
    Model,
    Panel,
    Solid,
    Tube,
    Turned,
    circle,
)

_BULGE = 0.3  # how much the normal of a flat panel turns from its middle to its rim
_RIM = circle(26)
_CAP = circle(12)


@dataclass(frozen=True)
class Mark:
    """A painted keypoint: its position, the labels before it, whether it faces the viewer."""

    point: tuple[float, float]
    label: int
    facing: bool


def bounds(model: Model) -> Floats:
    """Points (n, 3) that bound the model."""
    points = []
    for group in model.groups:
        for item in group.items:
            if isinstance(item, Blob):
                points += [item.points, 2 * item.points[:1] - item.points[1:]]
            elif isinstance(item, Tube):
                thick = item.radii[:, None] * np.array((1.0, 1.0, 0.0))
                points += [item.points + thick, item.points - thick]
            elif not isinstance(item, Keypoint):
                points.append(item.points)
    return np.concatenate(points)


def footprint(limits: Floats) -> Floats:
    """The rectangle (4, 3) on the ground under an object with these bounds."""
    floor, top = limits[:, 1].min(), limits[:, 1].max()
    standing = limits[limits[:, 1] < floor + 0.1 * (top - floor)]
    (x0, _, z0), (x1, _, z1) = standing.min(0), standing.max(0)
    return np.array([(x0, floor, z0), (x1, floor, z0), (x1, floor, z1), (x0, floor, z1)])


def paint_model(canvas: Canvas, model: Model, camera: Camera) -> dict[str, Mark]:
    """Paint a model's groups from back to front.

    Args:
        canvas: the canvas.
        model: the object.
        camera: the view.

    Returns:
        The keypoints by name, in pixels.
    """
    marks: dict[str, Mark] = {}
    for group in sorted(model.groups, key=lambda group: _order(group, camera)):
        placed_all = camera.place(np.concatenate([item.points for item in group.items]))
        seen_all = camera.project(placed_all)
        start = 0
        for item in group.items:
            stop = start + len(item.points)
            placed, seen = placed_all[start:stop], seen_all[start:stop]
            start = stop
            if isinstance(item, Keypoint):
                facing = item.normal is None or camera.faces(item.normal, placed)
                x, y = seen[0].tolist()
                marks[item.name] = Mark((x, y), canvas.count, facing)
            elif isinstance(item, Panel):
                _paint_panel(canvas, item, camera, placed, seen)
            else:
                radii = camera.scale * camera.zoom(placed)
                _paint_round(canvas, item, seen, radii)
    return marks


def _order(group: Group, camera: Camera) -> tuple[int, float]:
    first = next(item for item in group.items if not isinstance(item, Keypoint))
    return group.layer, float(camera.place(first.points)[:, 2].mean())


def _paint_panel(
    canvas: Canvas, panel: Panel, camera: Camera, placed: Floats, seen: Floats
) -> None:
    if panel.normal is None:
        first, second = panel.points[1] - panel.points[0], panel.points[2] - panel.points[1]
        normal = camera.direction(np.cross(first, second))
        normal = normal * (1 if normal[2] >= 0 else -1)
    elif camera.faces(panel.normal, placed):
        normal = camera.direction(panel.normal)
    else:
        return
    low, high = seen.min(0), seen.max(0)
    middle, bend = (low + high) / 2, 2 * _BULGE / (float((high - low).max()) + 1)
    tip = 0.8 * normal[:2] - bend * middle
    slopes: tuple[Slope, Slope] = ((bend, 0.0, float(tip[0])), (0.0, bend, float(tip[1])))
    canvas.add([seen], panel.paint, panel.part, slopes)


def _paint_round(canvas: Canvas, solid: Solid, seen: Floats, radii: Floats) -> None:
    if isinstance(solid, Blob):
        polygons, slopes = _blob(seen)
    elif isinstance(solid, Tube):
        polygons, slopes = _tube(seen, solid.radii * radii)
    elif isinstance(solid, Turned):
        polygons, slopes = _turned(seen.reshape(solid.rings, -1, 2))
    canvas.add(polygons, solid.paint, solid.part, slopes)


def _blob(seen: Floats) -> tuple[list[Floats], tuple[Slope, Slope]]:
    """The ellipse an ellipsoid projects to; the symmetric root keeps normals on the screen."""
    axes = (seen[1:] - seen[0]).T
    shape = axes @ axes.T + 1e-6 * np.eye(2)
    root = np.sqrt(np.linalg.det(shape))
    half = (shape + root * np.eye(2)) / np.sqrt(np.trace(shape) + 2 * root)
    inverse = np.linalg.inv(half)
    slopes = [(*row, -float(row @ seen[0])) for row in inverse]
    return [seen[0] + _RIM @ half], (slopes[0], slopes[1])


def _tube(seen: Floats, radii: Floats) -> tuple[list[Floats], tuple[Slope, Slope]]:
    along = np.gradient(seen, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.column_stack((-along[:, 1], along[:, 0])) * radii[:, None]
    strip = np.concatenate((seen + across, (seen - across)[::-1]))
    ends = [seen[i] + _CAP * radii[i] for i in (0, -1)]
    return [strip, *ends], _cylinder(seen, float(radii.max()))


def _turned(rings: Floats) -> tuple[list[Floats], tuple[Slope, Slope]]:
    """Rings, and between two of them the quadrilateral of their widest points."""
    centres = rings.mean(1)
    axis = centres[-1] - centres[0]
    across = np.array((-axis[1], axis[0])) / (np.linalg.norm(axis) + 1e-9)
    reach = rings @ across
    left = rings[np.arange(len(rings)), reach.argmin(1)]
    right = rings[np.arange(len(rings)), reach.argmax(1)]
    polygons = [rings[0], rings[-1]]
    for a, b in pairwise(range(len(rings))):
        polygons.append(np.stack((left[a], left[b], right[b], right[a])))
    widest = float((reach.max(1) - reach.min(1)).max()) / 2
    return polygons, _cylinder(centres, widest)


def _cylinder(line: Floats, radius: float) -> tuple[Slope, Slope]:
    """Normals that turn across the chord of a line, at most to 60 degrees."""
    chord = line[-1] - line[0]
    length = float(np.linalg.norm(chord)) + 1e-9
    across = np.array((-chord[1], chord[0])) / length
    # A line that bends away from its chord has no one direction: it stays flat.
    bend = float(np.abs((line - line[0]) @ across).max())
    slope = 0.87 / (max(radius, 0.5) + bend) * across
    middle = float(across @ (line[0] + line[-1]) / 2)
    first, second = (
        (float(s * across[0]), float(s * across[1]), float(-s * middle)) for s in slope
    )
    return first, second
