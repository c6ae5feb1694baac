"""The camera: projection from object space to the pixels of an image."""

from dataclasses import dataclass

import numpy as np

from sd4match.testbed.shapes.object_model import Floats


@dataclass(frozen=True)
class View:
    """How an object is seen. Angles in degrees."""

    yaw: float = 0.0  # its front turns to the viewer (positive) or away
    pitch: float = 10.0  # the viewer looks down on it
    roll: float = 0.0  # in-plane, clockwise
    shear: float = 0.0
    facing: int = 1  # 1 looks to the right, -1 to the left
    extent: float = 0.8  # of the image, along the side it fills most
    # Of its center from the image's: at 1 it touches the border, at 1.2 a fifth of it is outside.
    shift: tuple[float, float] = (0.0, 0.0)
    distance: float = 7.0  # object units to the viewer: smaller is stronger perspective

    @property
    def azimuth(self) -> float:
        """Where the object looks, seen from above: 0 at the viewer, 90 left, 270 right."""
        return (270 + self.yaw if self.facing > 0 else 90 - self.yaw) % 360


class Camera:
    """A perspective view in which given points fill the desired part of the image.

    Args:
        view: the pose.
        points: (n, 3) object-space points that bound the object.
        size: (w, h) of the image, pixels.
    """

    def __init__(self, view: View, points: Floats, size: tuple[int, int]) -> None:
        yaw, pitch, roll = np.radians((view.yaw, view.pitch, view.roll))
        turn = np.array(((np.cos(yaw), 0, -np.sin(yaw)), (0, 1, 0), (np.sin(yaw), 0, np.cos(yaw))))
        nod = np.array(
            ((1, 0, 0), (0, np.cos(pitch), -np.sin(pitch)), (0, np.sin(pitch), np.cos(pitch)))
        )
        self._centre = (points.min(0) + points.max(0)) / 2
        self._distance = view.distance
        self._rotation = nod @ turn
        flip = np.array(((view.facing, 0.0), (0.0, -1.0)))
        tilt = np.array(((np.cos(roll), -np.sin(roll)), (np.sin(roll), np.cos(roll))))
        self._plane = tilt @ np.array(((1, view.shear), (0, 1))) @ flip
        self._offset = np.zeros(2)
        seen = self.project(self.place(points))
        low, high = seen.min(0), seen.max(0)
        self.scale = view.extent / float(((high - low) / size).max())
        self._plane = self._plane * self.scale
        extent = self.scale * (high - low)
        inside = np.clip(view.shift, -1, 1)
        moved = inside * (size - extent) / 2 + (view.shift - inside) * extent
        self._offset = np.asarray(size) / 2 + moved - self.scale * (low + high) / 2
        # Directions keep their length: the pixel scale must not reach normals.
        self._direct = np.eye(3)
        self._direct[:2, :2] = tilt @ flip

    def place(self, points: Floats) -> Floats:
        """Object space to camera space: x right, y up, z to the viewer; (n, 3)."""
        placed: Floats = (points - self._centre) @ self._rotation.T
        return placed

    def zoom(self, placed: Floats) -> Floats:
        """Pixels a unit measures at these camera-space points, over ``scale``; (n,)."""
        return 1 / (1 - placed[:, 2] / self._distance)

    def project(self, placed: Floats) -> Floats:
        """Camera space to pixels, (n, 2)."""
        flat = placed[:, :2] * self.zoom(placed)[:, None]
        seen: Floats = flat @ self._plane.T + self._offset
        return seen

    def faces(self, normal: Floats, placed: Floats) -> bool:
        """Whether a surface with this object-space normal is turned to the viewer."""
        to_viewer = np.array((0, 0, self._distance)) - placed.mean(0)
        return float((self._rotation @ normal) @ to_viewer) > 0

    def direction(self, normal: Floats) -> Floats:
        """An object-space normal as a unit vector on the screen: x right, y down, z out."""
        seen: Floats = self._direct @ (self._rotation @ normal)
        return seen / (np.linalg.norm(seen) + 1e-9)
