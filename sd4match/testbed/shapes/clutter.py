"""Objects around or in front of the main one, painted directly on the canvas in pixels."""

# ruff: noqa: RUF005 (arrays and tuples are added, not joined)

import numpy as np

from sd4match.testbed.shapes.canvas import Canvas, Slope
from sd4match.testbed.shapes.object_model import Floats, circle
from sd4match.testbed.shapes.palette import Paint, Palette

Rng = np.random.Generator
CLUTTER, OCCLUDER = "clutter", "occluder"


def _ball(
    canvas: Canvas, part: str, paint: Paint, at: Floats, radii: tuple[float, float],
    round_: float = 0.9,
) -> None:  # fmt: skip
    rx, ry = max(radii[0], 0.5), max(radii[1], 0.5)
    slopes: tuple[Slope, Slope] = (
        (round_ / rx, 0.0, -round_ * float(at[0]) / rx),
        (0.0, round_ / ry, -round_ * float(at[1]) / ry),
    )
    canvas.add([at + circle(16) * (rx, ry)], paint, part, slopes)


def _post(
    canvas: Canvas, part: str, paint: Paint, at: Floats, half: float, high: float, top: float = 1.0
) -> None:
    corners = at + np.array(((-half, 0), (half, 0), (top * half, -high), (-top * half, -high)))
    slope = 0.7 / max(half, 0.5)
    canvas.add([corners], paint, part, ((slope, 0.0, -slope * float(at[0])), (0.0, 0.0, 0.0)))


def place(
    canvas: Canvas, kind: str, at: Floats, size: float, part: str, rng: Rng, palette: Palette
) -> None:
    """Paint one object.

    Args:
        canvas: the canvas.
        kind: "tree", "bush", "rock", "crate", "post", "ball", "buoy", "balloon", "vase",
            "flower", "building" or "cloud".
        at: (x, y) of its foot, pixels.
        size: approximate height, pixels.
        part: ``CLUTTER`` or ``OCCLUDER``.
        rng: source of randomness.
        palette: the style's colors.
    """
    if kind in ("tree", "bush", "cloud"):
        _clump(canvas, kind, at, size, part, rng, palette)
    elif kind == "rock":
        paint = palette.pick(rng, "grey", "brown", "beige", grain=0.08)
        for dx, s in ((-0.3, 0.32), (0.28, 0.26), (0, 0.42)):
            _ball(
                canvas, part, paint, at + (dx * size, -0.5 * s * size), (s * size, s * size * 0.8)
            )
    elif kind in ("ball", "buoy", "balloon"):
        paint = palette.pick(rng, "red", "blue", "yellow", "orange", "teal", gloss=0.4)
        r = 0.3 * size
        if kind == "balloon":
            _post(canvas, part, palette.pick(rng, "brown"), at + (0, 0.55 * r), 0.2 * r, 0.3 * r)
            _post(canvas, part, paint.tone(0.8), at, 0.25 * r, 0.5 * r, 2.6)
        _ball(canvas, part, paint, at - (0, r), (r, r))
        _ball(canvas, part, palette.pick(rng, "white", "beige"), at - (0, r), (0.45 * r, r))
        _ball(canvas, part, paint, at - (0, r), (0.15 * r, r))
    elif kind == "crate":
        paint = palette.pick(rng, "brown", "beige", "red", "blue", "green")
        half, high = 0.34 * size, 0.55 * size * rng.uniform(0.6, 1.3)
        _post(canvas, part, paint, at, half, high)
        lid = at + np.array(((-half, -high), (half, -high), (0.8 * half, -high - 0.2 * half),
                             (-0.8 * half, -high - 0.2 * half)))  # fmt: skip
        canvas.add([lid], paint.tone(1.3), part)
        band = at + np.array(((-half, -0.6 * high), (half, -0.6 * high), (half, -0.45 * high),
                              (-half, -0.45 * high)))  # fmt: skip
        canvas.add([band], paint.tone(0.75), part)
    elif kind == "vase":
        paint = palette.pick(rng, "white", "blue", "teal", "orange", "purple", gloss=0.5)
        r = 0.24 * size
        _post(canvas, part, paint, at - (0, 1.2 * r), 0.4 * r, 1.3 * r, 1.5)
        _ball(canvas, part, paint, at - (0, 0.95 * r), (r, r))
    elif kind == "post":
        paint = palette.pick(rng, "grey", "brown", "red", "white")
        _post(canvas, part, paint, at, 0.045 * size, 1.25 * size)
        for k in (0.7, 1.0):
            _post(canvas, part, paint.tone(1.6), at - (0, k * size), 0.048 * size, 0.1 * size)
    elif kind == "flower":
        bloom = palette.pick(rng, "red", "yellow", "pink", "purple", "white")
        for dx in (-0.25, 0.0, 0.22):
            head = at + (dx * size, -rng.uniform(0.3, 0.5) * size)
            _post(canvas, part, palette.pick(rng, "green"), at + (dx * size, 0), 0.025 * size,
                  float(at[1] - head[1]))  # fmt: skip
            _ball(canvas, part, bloom, head, (0.11 * size, 0.1 * size))
    elif kind == "building":
        _building(canvas, at, size, part, rng, palette)


def _clump(
    canvas: Canvas, kind: str, at: Floats, size: float, part: str, rng: Rng, palette: Palette
) -> None:
    """A heap of balls: leaves, or a cloud."""
    foliage = palette.pick(rng, "white" if kind == "cloud" else "green", gloss=0.0,
                           grain=0.02 if kind == "cloud" else 0.09)  # fmt: skip
    middle = at - (0, {"tree": 0.75, "bush": 0.22, "cloud": 0.2}[kind] * size)
    if kind == "tree":
        _post(canvas, part, palette.pick(rng, "brown"), at, 0.06 * size, 0.6 * size, 0.7)
    flat, soft = (0.55, 0.35) if kind == "cloud" else (0.9, 0.9)
    for k in range(6):
        angle = np.pi * (k / 5)
        reach = np.array((np.cos(angle) * 0.36, 0.12 - np.sin(angle) * 0.26 * flat)) * size
        r = rng.uniform(0.15, 0.22) * size
        tone = foliage if kind == "cloud" else foliage.tone(float(rng.uniform(0.78, 1.12)))
        _ball(canvas, part, tone, middle + reach, (r, flat * r), soft)
    _ball(canvas, part, foliage, middle, (0.36 * size, 0.24 * size), soft)


def _building(
    canvas: Canvas, at: Floats, size: float, part: str, rng: Rng, palette: Palette
) -> None:
    paint = palette.pick(rng, "beige", "grey", "brown", "white", "red", "orange").tone(0.92)
    half, high = rng.uniform(0.35, 0.6) * size, rng.uniform(0.9, 1.7) * size
    _post(canvas, part, paint, at, half, high)
    glass = palette.pick(rng, "navy", "silver", "yellow", gloss=0.3)
    panes: list[Floats] = []
    step = 2 * half / 4
    for row in range(1, int(high / (1.3 * step))):
        for column in range(3):
            corner = at + (-half + (column + 0.65) * step, -high + row * 1.3 * step - 0.6 * step)
            w, h = 0.6 * step, 0.7 * step
            panes.append(corner + np.array(((0, 0), (w, 0), (w, h), (0, h))))
    if panes:
        canvas.add(panes, glass, part)
