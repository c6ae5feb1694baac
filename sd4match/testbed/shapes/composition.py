"""Composition of a drawing: size, pose, clutter, occluders, light and shadow."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sd4match.testbed.shapes.backdrop import Backdrop, sample
from sd4match.testbed.shapes.camera import View
from sd4match.testbed.shapes.canvas import Canvas, Light
from sd4match.testbed.shapes.category import Category
from sd4match.testbed.shapes.clutter import CLUTTER, OCCLUDER, place
from sd4match.testbed.shapes.object_model import Floats
from sd4match.testbed.shapes.style import Style

Rng = np.random.Generator
Floats32 = NDArray[np.float32]


def draw_size(style: Style, rng: Rng) -> tuple[int, int]:
    """Draw an image size (w, h) of a style."""
    long = int(rng.integers(style.long_side[0], style.long_side[1] + 1))
    aspect = float(rng.choice(style.aspects)) * float(rng.uniform(0.96, 1.04))
    return (long, round(long / aspect)) if aspect >= 1 else (round(long * aspect), long)


def draw_view(kind: Category, style: Style, rng: Rng) -> View:
    """Draw a pose within the limits of a style and a category."""
    # Photographs shift sideways, and cut off sides and feet more often than tops.
    shift = rng.uniform(-1, 1, 2) * (style.shift, 0.6 * style.shift)
    if rng.random() < style.truncation:
        cut = 1 + rng.uniform(0.06, 0.35)
        if rng.random() < 0.75:
            shift[0] = np.copysign(cut, shift[0])
        else:
            shift[1] = cut
    return View(
        yaw=float(rng.uniform(*kind.yaw)) * style.yaw,
        pitch=float(rng.uniform(*kind.pitch)) * style.pitch,
        roll=float(rng.uniform(-1, 1)) * style.roll * kind.steady,
        shear=float(rng.uniform(-1, 1)) * style.shear,
        facing=1 if not kind.mirrored or rng.random() < 0.5 else -1,
        extent=float(rng.uniform(*style.extent)),
        shift=(float(shift[0]), float(shift[1])),
        distance=float(rng.uniform(*style.distance)),
    )


def scatter(
    canvas: Canvas, behind: Backdrop, low: Floats, high: Floats, slope: float, style: Style,
    rng: Rng,
) -> None:  # fmt: skip
    """Paint clutter behind the object's box, the farthest first, smaller with distance."""
    count = int(rng.integers(style.clutter[0], style.clutter[1] + 1)) if behind.clutter else 0
    width, height = canvas.size
    nearest = float(np.clip(high[1] - 0.04 * height, behind.horizon, height))
    spread = sorted(rng.uniform(0, 1, count))
    tall = 0.5 * float((high - low).max())
    for depth in spread:
        kind = behind.clutter[int(rng.integers(len(behind.clutter)))]
        if behind.ground:
            foot = behind.horizon + 2 + depth * (nearest - behind.horizon - 2)
            size = tall * rng.uniform(0.5, 0.9) * (0.45 + 0.75 * depth)
        else:
            foot, size = rng.uniform(0.15, 1) * height, 0.3 * width * rng.uniform(0.6, 1.2)
        across = rng.uniform(-0.05, 1.05) - 0.5
        at = np.array(((across + 0.5) * width, foot + slope * across * width))
        place(canvas, kind, at, size, CLUTTER, rng, style.palette)


def occlude(
    canvas: Canvas, behind: Backdrop, low: Floats, high: Floats, style: Style, rng: Rng
) -> None:
    """With the style's probability, paint something over a part of the object's box."""
    if not behind.clutter or rng.random() >= style.occlusion:
        return
    width, height = high - low
    short = float(min(width, height))
    kind = behind.clutter[int(rng.integers(len(behind.clutter)))]
    kind = "bush" if kind in ("tree", "building") else kind
    size = short * rng.uniform(0.5, 0.85)
    foot = high[1] + rng.uniform(0.0, 0.12) * height
    if not behind.ground:
        foot -= rng.uniform(0.0, 0.7) * height
    place(canvas, kind, np.array((low[0] + rng.uniform(0.05, 0.95) * width, foot)), size,
          OCCLUDER, rng, style.palette)  # fmt: skip


def develop(canvas: Canvas, behind: Backdrop, base: Floats, style: Style, rng: Rng) -> Image.Image:
    """Light the canvas and compose it with its background, with a shadow, blur, tint and noise.

    Args:
        canvas: the painted canvas.
        behind: the background.
        base: (4, 2) corners of the ground the object covers, pixels.
        style: the data set's style.
        rng: source of randomness.
    """
    width, height = canvas.size
    lean = float(rng.uniform(0.25, 0.6)) * (1 if rng.random() < 0.5 else -1)
    lamp = np.array((lean, -0.75, 0.7))
    lamp /= np.linalg.norm(lamp)
    warm = float(rng.normal(0, style.warmth))
    light = Light(
        (float(lamp[0]), float(lamp[1]), float(lamp[2])),
        float(rng.uniform(*style.ambient)), float(rng.uniform(*style.diffuse)),
        (1 + warm, 1.0, 1 - warm),
    )  # fmt: skip
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    layer = canvas.finish(light, style.texture * sample(rng, x, y, 0.7))
    scene = behind.rgb * np.array(light.tint, np.float32)
    picture = Image.fromarray((np.clip(scene, 0, 1) * 255).astype(np.uint8))
    if style.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(style.blur))
    rgb = np.asarray(picture, np.float32) / 255
    if behind.ground:
        rgb = rgb * (1 - _shadow(canvas.size, base, lean))[..., None]
    rgb = rgb * (1 - layer.alpha[..., None]) + layer.rgb
    if style.noise:
        rgb = rgb * float(rng.uniform(0.9, 1.06))
        rgb = rgb + rng.standard_normal((height, width, 1), np.float32) * style.noise
    return Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def _shadow(size: tuple[int, int], base: Floats, lean: float) -> Floats32:
    """A soft shadow on the ground, stretched away from the lamp, darkest at the object's base."""
    # It is soft: half the resolution is enough.
    half = (size[0] // 2 + 1, size[1] // 2 + 1)
    middle, reach = base.mean(0), float((base.max(0) - base.min(0)).max())
    shade = np.zeros((half[1], half[0]), np.uint8)
    for grown, dark, soft in ((1.25, 70, 0.055), (1.0, 110, 0.02)):
        flat = Image.new("L", half)
        pool = middle + grown * (base - middle) - np.array((0.12 * (grown - 0.8) * lean * reach, 0))
        # A ground seen edge-on still gets a few pixels of shadow.
        pool = np.concatenate((pool, pool + np.array((0, 0.015 * reach)))) / 2
        ImageDraw.Draw(flat).polygon(pool[_around(pool)].ravel().tolist(), fill=dark)
        blurred = flat.filter(ImageFilter.GaussianBlur(max(1.2, soft * reach) / 2))
        shade = np.maximum(shade, np.asarray(blurred))
    full = Image.fromarray(shade).resize((2 * half[0], 2 * half[1]), Image.Resampling.BILINEAR)
    return np.asarray(full, np.float32)[: size[1], : size[0]] / np.float32(255)


def _around(points: Floats) -> NDArray[np.intp]:
    """The order of points by angle around their middle."""
    spoke = points - points.mean(0)
    return np.argsort(np.arctan2(spoke[:, 1], spoke[:, 0]), kind="stable")
