"""The canvas: paints polygons as labels, then colors and lights them together.

Shapes are painted as labels on a supersampled map, which is cheap and exact. Colors come from a
palette look-up before the map is reduced (antialiased edges); light is computed per pixel from the
surface's normal, which changes linearly over each label (flat, cylinder and ellipsoid alike).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sd4match.testbed.shapes.object_model import Floats
from sd4match.testbed.shapes.palette import RGB, Paint

SUPERSAMPLING = 3
_INK = 255  # the outline's palette entry; labels are below it
FLAT = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

# (a, b, c): the x or y part of a surface normal is a·x + b·y + c at pixel (x, y).
Slope = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """A lamp: unit direction towards it (x right, y down, z out), strengths, and its tint."""

    direction: tuple[float, float, float]
    ambient: float
    diffuse: float
    tint: RGB = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Layer:
    """What was painted. ``rgb`` is premultiplied with ``alpha``; label 0 is empty."""

    rgb: NDArray[np.float32]  # (h, w, 3), 0 to 1
    alpha: NDArray[np.float32]  # (h, w), 0 to 1


class Canvas:
    """A label map of one image under construction."""

    def __init__(self, size: tuple[int, int], outline: float, ink: RGB) -> None:
        self.size = size
        large = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
        self._map = Image.new("L", large)
        self._pen = ImageDraw.Draw(self._map)
        # Outlines are on a map of their own, so that they take nothing from the parts.
        self._stroke = round(outline * SUPERSAMPLING)
        self._inked = Image.new("L", large) if self._stroke else self._map
        self._ink_pen = ImageDraw.Draw(self._inked) if self._stroke else self._pen
        self._ink = ink
        self._paints: list[Paint] = []
        self._slopes: list[tuple[Slope, Slope]] = []
        self.parts: list[str] = []

    @property
    def count(self) -> int:
        """Labels so far; the last one painted is this number."""
        return len(self._paints)

    def add(
        self,
        polygons: Iterable[Floats],
        paint: Paint,
        part: str,
        slopes: tuple[Slope, Slope] = FLAT,
        *,
        outlined: bool = True,
    ) -> None:
        """Paint polygons (n, 2), in pixels, as one surface with one new label."""
        self._paints.append(paint)
        self._slopes.append(slopes)
        self.parts.append(part)
        label = self.count
        if label >= _INK:
            raise OverflowError(f"a drawing has at most {_INK - 1} surfaces")
        # Pillow counts from pixel centers, we from the image's corner.
        corners = [(polygon * SUPERSAMPLING - 0.5).ravel().tolist() for polygon in polygons]
        if self._stroke and outlined:
            for points in corners:
                self._ink_pen.line(points + points[:4], fill=_INK, width=self._stroke)
        for points in corners:
            self._pen.polygon(points, fill=label)
            if self._stroke:
                self._ink_pen.polygon(points, fill=label)

    def labels(self) -> NDArray[np.uint8]:
        """The label of every pixel's center, (h, w)."""
        middle = SUPERSAMPLING // 2
        return np.asarray(self._map)[middle::SUPERSAMPLING, middle::SUPERSAMPLING].copy()

    def fine(self) -> NDArray[np.uint8]:
        """The whole supersampled map, (h·s, w·s)."""
        return np.asarray(self._map)

    def finish(self, light: Light, grain: NDArray[np.float32]) -> Layer:
        """Light and color for everything painted.

        Args:
            light: the lamp.
            grain: (h, w) noise, about standard normal: the surfaces' texture.
        """
        colours = np.zeros((256, 3), np.uint8)
        colours[1 : self.count + 1] = [np.round(np.array(p.rgb) * 255) for p in self._paints]
        colours[_INK] = np.round(np.array(self._ink) * 255)
        coloured = self._inked.copy()
        coloured.putpalette(colours.tobytes())
        flat = np.asarray(coloured.convert("RGB").reduce(SUPERSAMPLING), np.float32) / 255
        cover = self._inked.point([0] + [255] * 255).reduce(SUPERSAMPLING)
        alpha = np.asarray(cover, np.float32) / np.float32(255)
        shade, shine = self._shading(light, grain)
        tint = np.array(light.tint, np.float32)
        rgb = flat * (shade[..., None] * tint) + (shine * alpha)[..., None]
        return Layer(np.minimum(rgb, alpha[..., None]).astype(np.float32), alpha)

    def _shading(
        self, light: Light, grain: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Factor on the color, and the highlight on top of it, (h, w) each."""
        labels = self.labels()
        table = np.zeros((256, 8), np.float32)
        table[1 : self.count + 1, :6] = np.array(self._slopes, np.float32).reshape(-1, 6)
        table[1 : self.count + 1, 6:] = [(p.gloss, p.grain) for p in self._paints]
        seen = table[labels]
        x = np.arange(self.size[0], dtype=np.float32) + 0.5
        y = np.arange(self.size[1], dtype=np.float32)[:, None] + 0.5
        nx = seen[..., 0] * x + seen[..., 1] * y + seen[..., 2]
        ny = seen[..., 3] * x + seen[..., 4] * y + seen[..., 5]
        side = nx * nx + ny * ny
        nz = np.sqrt(np.maximum(1 - side, 0.03))
        length = np.sqrt(side + nz * nz)
        lx, ly, lz = light.direction
        facing = np.maximum((nx * lx + ny * ly + nz * lz) / length, 0)
        shade = light.ambient + light.diffuse * facing + seen[..., 7] * grain
        half = np.array((lx, ly, lz + 1)) / np.linalg.norm((lx, ly, lz + 1))
        mirror = np.maximum((nx * half[0] + ny * half[1] + nz * half[2]) / length, 0)
        shine = seen[..., 6] * mirror**16 * light.diffuse
        return shade.astype(np.float32), shine.astype(np.float32)
