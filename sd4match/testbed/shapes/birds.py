"""Birds: a song bird and a duck. Ellipsoids for bodies, tubes for necks and legs."""

# ruff: noqa: RUF005 (arrays and tuples are added, not joined)

import numpy as np

from sd4match.testbed.shapes.object_model import Model, curve
from sd4match.testbed.shapes.palette import Paint, Palette

Rng = np.random.Generator


def paint_eye(
    m: Model, at: tuple[float, float, float], size: float, iris: Paint | None = None
) -> None:
    """Add an eye that looks at the viewer, with its highlight."""
    dark = Paint("dark", (0.09, 0.09, 0.11), 0.3, 0)
    if iris is not None:
        m.blob("eyes", iris, at, (1.6 * size, 1.6 * size, size))
    m.blob("eyes", dark, (at[0] + 0.2 * size, at[1], at[2] + 0.5 * size), (size, size, size / 2))
    white = Paint("white", (1, 1, 1), 0, 0)
    m.blob("eyes", white, (at[0] + 0.5 * size, at[1] + 0.4 * size, at[2] + size),
           (0.35 * size,) * 3)  # fmt: skip


def bird(m: Model, rng: Rng, palette: Palette) -> None:
    """A song bird, perched, or in flight with its wings up and its feet drawn in."""
    coat = palette.pick(rng, "blue", "red", "yellow", "green", "orange", "teal", "brown", "purple")
    breast = palette.pick(rng, "white", "orange", "beige", "yellow", avoid=(coat.name,))
    beak = palette.pick(rng, "orange", "yellow", "dark", gloss=0.3, grain=0)
    leg = beak.tone(0.8)
    flying = rng.random() < 0.4
    long, deep, lift = rng.uniform(0.52, 0.62), rng.uniform(0.28, 0.35), 0.42
    tilt = rng.uniform(2, 12) if flying else rng.uniform(18, 34)
    c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    head = np.array((long * c * 0.92, lift + long * s * 0.8 + 0.22))
    size = rng.uniform(0.22, 0.27)
    tail = np.array((-long * c, lift - long * s * 0.8))
    end = tail + (-rng.uniform(0.4, 0.6), -rng.uniform(0.02, 0.16))
    if not flying:
        for layer, name in ((-1, "far "), (1, "")):
            m.group(-1)
            x, z = 0.0, 0.1 * layer
            m.tube("legs", leg, [(x, lift - 0.2, z), (x + 0.05, 0.02, z)], 0.024)
            for toe in (-0.1, 0.06, 0.15):
                m.tube("legs", leg, [(x + 0.05, 0.03, z), (x + 0.05 + toe, 0, z + 0.03)], 0.02)
            m.keypoint(f"{name}foot", (x + 0.05, 0.01, z))
    wing, root = coat.tone(0.72), np.array((0.22 * c, lift + 0.22 * s + 0.06))
    reach = rng.uniform(0.7, 0.95)
    for layer in (-1, 1) if flying else (1,):
        m.group(layer)
        z = layer * 0.2
        if flying:
            tip = (root[0] - 0.36, root[1] + reach, layer * 0.45)
            _feathers(m, wing if layer > 0 else wing.tone(0.8), (*root, z), tip)
        else:
            tip = (tail[0] - 0.08, tail[1] + 0.1, 0.24)
            lead = curve([(root[0] + 0.1, root[1] + 0.02, 0.3), (-0.1, lift + 0.14, 0.33), tip], 6)
            trail = curve([tip, (-0.15, lift - 0.15, 0.33), (0.2, lift - 0.1, 0.32),
                           (root[0] + 0.1, root[1] + 0.02, 0.3)], 7)  # fmt: skip
            m.panel("wings", wing, [*lead, *trail[1:-1]])
            m.panel("wings", coat.tone(0.55), [tip, (-0.15, lift + 0.02, 0.34),
                    (-0.12, lift - 0.03, 0.34)])  # fmt: skip
        m.keypoint("wing tip" if layer > 0 else "far wing tip", tip)
        if layer > 0:
            m.keypoint("wing root", (root[0], root[1], 0.31))
    m.group(0)
    fan = [end + (0.06, 0.1), end + (0, 0.02), end + (0.05, -0.04), end + (0.08, -0.13)]
    m.panel("tail", coat.tone(0.65), [(*(tail + (0.2, 0.09)), 0.04), *((*p, 0.03) for p in fan),
            (*(tail + (0.2, -0.07)), 0.04)])  # fmt: skip
    m.keypoint("tail tip", (*end, 0.03))
    m.blob("body", coat, (0, lift, 0), (long, deep, 0.28), tilt)
    m.blob("breast", breast, (0.16 * c, lift + 0.1 * s - 0.07, 0.06),
           (0.62 * long, 0.78 * deep, 0.24), tilt + 12)  # fmt: skip
    m.keypoint("belly", (-0.02, lift - deep * 0.95, 0.05))
    m.keypoint("breast", (0.45 * long + 0.18, lift - 0.02, 0.05))
    m.blob("head", coat, (*head, 0), (size, size, size))
    m.tube("beak", beak, [(*(head + (size * 0.8, 0.0)), 0.02), (*(head + (size + 0.24, -0.05)),
           0.02)], (0.085, 0.015))  # fmt: skip
    m.keypoint("beak tip", (*(head + (size + 0.25, -0.05)), 0.02))
    paint_eye(m, (head[0] + 0.45 * size, head[1] + 0.06, 0.8 * size), 0.045)
    m.keypoint("eye", (head[0] + 0.47 * size, head[1] + 0.06, 0.85 * size))
    m.keypoint("crown", (head[0], head[1] + size, 0))
    m.keypoint("nape", (head[0] - 0.85 * size, head[1] - 0.4 * size, 0.05))


def _feathers(
    m: Model, paint: Paint, root: tuple[float, float, float], tip: tuple[float, float, float]
) -> None:
    """A raised wing: a smooth leading edge, and feathers along the trailing one."""
    shoulder, end = np.array(root), np.array(tip)
    out = end - shoulder
    lead = curve([shoulder + (0.14, 0, 0), shoulder + 0.55 * out + (0.3, 0, 0), end], 7)
    rear = shoulder + (-0.36, 0.0, 0)
    trail = []
    for k in range(1, 10):
        at = end + (rear - end) * k / 9
        bow = np.sin(np.pi * k / 9) * np.array((-0.16, -0.08, 0))
        trail.append(at + bow * (1.25 if k % 2 else 0.75))
    m.panel("wings", paint, [*lead, *trail])
    inner = (
        shoulder + (-0.06, 0.08, 0) + 0.6 * (np.array([*lead[:5], trail[5], trail[7]]) - shoulder)
    )
    m.panel("wings", paint.tone(1.25), inner)


def duck(m: Model, rng: Rng, palette: Palette) -> None:
    """A duck, swimming or set down: a boat-shaped body, an upright neck, a broad bill."""
    coat = palette.pick(rng, "yellow", "white", "brown", "beige", "grey")
    head_coat = palette.pick(rng, coat.name, "green", "brown")
    bill = palette.pick(rng, "orange", "yellow" if coat.name != "yellow" else "red", gloss=0.3)
    long, deep = rng.uniform(0.68, 0.8), rng.uniform(0.3, 0.37)
    lift = deep + 0.02
    size = rng.uniform(0.25, 0.3)
    head = np.array((rng.uniform(0.46, 0.58), rng.uniform(0.92, 1.1)))
    end = np.array((-long - rng.uniform(0.16, 0.28), lift + rng.uniform(0.26, 0.4)))
    m.group(0)
    m.tube("tail", coat.tone(0.85), [(-0.45 * long, lift + 0.08, 0), (*end, 0)], (0.26, 0.03))
    m.keypoint("tail tip", (*end, 0))
    m.tube("neck", coat, [(0.42 * long, lift + 0.1, 0), (*(head + (-0.04, -0.1)), 0)], (0.26, 0.16))
    m.blob("body", coat, (0, lift, 0), (long, deep, 0.34), 5)
    m.keypoint("belly rear", (-0.45 * long, lift - 0.92 * deep, 0.05))
    m.keypoint("belly front", (0.45 * long, lift - 0.82 * deep, 0.05))
    m.keypoint("breast", (0.95 * long, lift + 0.08, 0.05))
    ring = palette.pick(rng, "white", "red", "navy")
    if head_coat.name != coat.name:
        m.tube("collar", ring, [(*(head + (-0.06, -0.24)), 0), (*(head + (-0.05, -0.17)), 0)], 0.17)
    m.keypoint("nape", (head[0] - 0.22, head[1] - 0.24, 0))
    tip = np.array((-0.62 * long, lift + 0.16))
    top, low = np.array((0.3 * long, lift + 0.12)), np.array((-0.05, lift - 0.16))
    wing = coat.tone(0.78)
    shape = [*curve([(*top, 0.33), (-0.2, lift + 0.21, 0.34), (*tip, 0.32)], 6),
             *curve([(*tip, 0.32), (*low, 0.36), (*top, 0.33)], 7)[1:-1]]  # fmt: skip
    m.panel("wings", wing, shape)
    m.panel("wings", wing.tone(0.8), [(*tip, 0.33), (-0.15, lift + 0.04, 0.37),
            (-0.12, lift - 0.03, 0.37)])  # fmt: skip
    m.keypoint("wing front", (*top, 0.33))
    m.keypoint("wing tip", (*tip, 0.32))
    m.blob("head", head_coat, (*head, 0), (size, 0.92 * size, 0.9 * size))
    m.keypoint("crown", (head[0], head[1] + 0.92 * size, 0))
    reach = rng.uniform(0.26, 0.36)
    m.tube("bill", bill.tone(0.8), [(*(head + (0.7 * size, -0.1)), 0.02),
           (*(head + (size + 0.8 * reach, -0.12)), 0.02)], (0.07, 0.04))  # fmt: skip
    m.tube("bill", bill, [(*(head + (0.75 * size, -0.03)), 0.02), (*(head + (size + reach, -0.06)),
           0.02)], (0.1, 0.05, 0.055))  # fmt: skip
    m.keypoint("bill tip", (*(head + (size + reach + 0.03, -0.06)), 0.02))
    paint_eye(m, (head[0] + 0.42 * size, head[1] + 0.08, 0.75 * size), 0.05)
    m.keypoint("eye", (head[0] + 0.44 * size, head[1] + 0.08, 0.8 * size))
