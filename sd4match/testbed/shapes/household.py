"""Household objects: bottle, wine bottle, chair, potted plant."""

import numpy as np

from sd4match.testbed.shapes.object_model import Model, circle, curve
from sd4match.testbed.shapes.palette import Paint, Palette

Rng = np.random.Generator


def bottle(m: Model, rng: Rng, palette: Palette) -> None:
    """A bottle of any trade: slim or plump, with a cap that contrasts."""
    glass = palette.pick(
        rng, "green", "brown", "blue", "teal", "orange", "pink", "purple", gloss=0.7, grain=0
    )
    cap = palette.pick(
        rng, "red", "white", "yellow", "dark", "blue", avoid=(glass.name,), gloss=0.3
    )
    _bottle(m, rng, palette, glass, cap, rng.uniform(0.26, 0.42), rng.uniform(0.08, 0.14),
            (rng.uniform(0.9, 1.15), rng.uniform(1.3, 1.45)))  # fmt: skip


def winebottle(m: Model, rng: Rng, palette: Palette) -> None:
    """A wine bottle: dark glass, high shoulders or sloping, a foil over the neck."""
    glass = palette.pick(rng, "green", "dark", "brown", "green", gloss=0.8, grain=0).tone(0.72)
    cap = palette.pick(rng, "red", "yellow", "silver", "purple", gloss=0.35)
    _bottle(m, rng, palette, glass, cap, rng.uniform(0.26, 0.3), rng.uniform(0.085, 0.1),
            (rng.uniform(0.98, 1.12), rng.uniform(1.3, 1.42)))  # fmt: skip


def _bottle(
    m: Model, rng: Rng, palette: Palette, glass: Paint, cap: Paint, wide: float, slim: float,
    heights: tuple[float, float],
) -> None:  # fmt: skip
    paper = palette.pick(rng, "white", "beige", "yellow", "red", avoid=(cap.name,), gloss=0.0)
    print_ = palette.pick(
        rng,
        "red",
        "navy",
        "dark",
        "green",
        avoid=(
            paper.name,
            glass.name,
        ),
    )
    shoulder, neck = heights
    top = rng.uniform(1.8, 1.95)
    m.group(0)
    slope = curve([(wide, shoulder), (0.86 * wide, (shoulder * 1.3 + neck * 0.7) / 2),
                   (0.5 * (wide + slim) * 0.8, (shoulder * 0.6 + neck * 1.4) / 2),
                   (slim, neck)], 7)  # fmt: skip
    base = [(0.9 * wide, 0.0), (wide, 0.05)]
    m.turned("glass", glass, [*base, *slope, (slim, top)])
    low, high = rng.uniform(0.18, 0.3), rng.uniform(0.7, 0.85) * shoulder
    skin = wide * 1.012
    m.turned("label", paper, [(skin, low), (skin, high)])
    middle, half = (low + high) / 2, 0.5 * (high - low)
    _wrap(m, print_, skin * 1.005, (middle + 0.1 * half, middle + 0.62 * half), 62)
    for k in (0.2, 0.45):
        _wrap(m, print_.tone(1.2), skin * 1.005, (middle - (k + 0.1) * half, middle - k * half), 45)
    shine = glass.tone(1.9)
    _wrap(m, shine, wide * 1.01, (high + 0.06, shoulder + 0.02), -42, -56)
    crown = rng.uniform(0.1, 0.16)
    m.turned("cap", cap, [(slim * 1.15, top - crown), (slim * 1.15, top)])
    lid = np.insert(circle() * slim * 1.15, 1, top, axis=1)
    m.panel("cap", cap.tone(1.2), lid, (0, 1, 0))
    m.keypoint("cap left", (-slim * 1.15, top - 0.01, 0))
    m.keypoint("cap right", (slim * 1.15, top - 0.01, 0))
    m.keypoint("neck left", (-slim, neck, 0))
    m.keypoint("neck right", (slim, neck, 0))
    m.keypoint("shoulder left", (-wide, shoulder, 0))
    m.keypoint("shoulder right", (wide, shoulder, 0))
    m.keypoint("base left", (-0.98 * wide, 0.04, 0))
    m.keypoint("base right", (0.98 * wide, 0.04, 0))
    m.keypoint("label top", (0, high, skin))
    m.keypoint("label bottom", (0, low, skin))


def _wrap(
    m: Model, paint: Paint, radius: float, heights: tuple[float, float], right: float,
    left: float | None = None,
) -> None:  # fmt: skip
    """A patch on an upright cylinder, between two angles from its front, degrees."""
    angle = np.radians(np.linspace(-right if left is None else left, right, 6))
    rim = np.column_stack((np.sin(angle), np.cos(angle))) * radius
    edge = [np.insert(rim, 1, y, axis=1) for y in heights]
    m.panel("label", paint, np.concatenate((edge[0], edge[1][::-1])), (0, 0, 1))


def chair(m: Model, rng: Rng, palette: Palette) -> None:
    """A kitchen chair: four legs, a seat, a back of slats or of one board."""
    wood = palette.pick(rng, "brown", "beige", "white", "red", "teal", "yellow", "green")
    cushion = palette.pick(rng, "red", "blue", "green", "beige", "orange", avoid=(wood.name,))
    seat, deep = rng.uniform(0.78, 0.92), rng.uniform(0.38, 0.44)
    half, top = rng.uniform(0.38, 0.44), rng.uniform(1.65, 1.95)
    thick, lean = rng.uniform(0.04, 0.06), rng.uniform(0.04, 0.16)
    splay = rng.uniform(0, 0.06)
    for name, x, z in (("far rear", -half, -deep), ("far front", half, -deep),
                       ("rear", -half, deep), ("front", half, deep)):  # fmt: skip
        m.group(-1)
        foot = (x + np.sign(x) * splay, 0, z + np.sign(z) * splay / 2)
        m.tube("legs", wood.tone(0.85 if z < 0 else 1.0), [(0.9 * x, seat, 0.9 * z), foot],
               (thick, 0.75 * thick))  # fmt: skip
        m.keypoint(f"{name} foot", foot)
    m.group(0)
    plate = [(-half, seat - 0.03), (half, seat - 0.03), (half, seat + 0.05), (-half, seat + 0.05)]
    m.extrude("seat", wood, plate, deep)
    if rng.random() < 0.6:
        rim = [(-half, seat + 0.05), (half, seat + 0.05), (0.96 * half, seat + 0.1),
               (-0.96 * half, seat + 0.1)]  # fmt: skip
        m.extrude("cushion", cushion, np.array(rim) * (0.88, 1), 0.88 * deep)
    m.keypoint("front seat corner", (half, seat + 0.05, deep))
    m.keypoint("far front seat corner", (half, seat + 0.05, -deep))
    m.keypoint("rear seat corner", (-half, seat + 0.05, deep))
    m.keypoint("far rear seat corner", (-half, seat + 0.05, -deep))
    m.group(0)
    x0, x1, z1 = -0.94 * half, -half - lean, 0.9 * deep

    def back(height: float) -> float:
        return x0 + (x1 - x0) * (height - seat) / (top - seat)

    style = int(rng.integers(3))
    for way in (-1, 1):
        m.tube("back", wood, [(x0, seat, way * z1), (x1, top, way * z1)], thick)
    if style == 0:
        rails = [(seat + 0.28, seat + 0.42), (seat + 0.55, seat + 0.68), (top - 0.16, top)]
    elif style == 1:
        rails = [(seat + 0.3, top)]
    else:
        rails = [(top - 0.2, top), (seat + 0.16, seat + 0.24)]
        for z in np.linspace(-0.55, 0.55, 4) * deep:
            m.tube("back", wood.tone(0.92), [(back(seat + 0.2), seat + 0.2, z),
                   (back(top - 0.1), top - 0.1, z)], 0.55 * thick)  # fmt: skip
    for low, high in rails:
        board = [(back(low), low, -z1), (back(high), high, -z1), (back(high), high, z1),
                 (back(low), low, z1)]  # fmt: skip
        m.panel("back", wood.tone(1.06), board)
    m.keypoint("back top", (x1, top, z1))
    m.keypoint("far back top", (x1, top, -z1))


def pottedplant(m: Model, rng: Rng, palette: Palette) -> None:
    """A pot that widens upwards, and leaves that fan out of it."""
    clay = palette.pick(
        rng, "orange", "brown", "white", "blue", "yellow", "teal", "pink", gloss=0.2
    )
    leaf = palette.pick(rng, "green", grain=0.03)
    bloom = palette.pick(rng, "red", "pink", "yellow", "purple", "orange", "white")
    soil = palette.pick(rng, "brown").tone(0.6)
    wide, foot = rng.uniform(0.36, 0.46), rng.uniform(0.24, 0.3)
    rim, tall = rng.uniform(0.58, 0.74), rng.uniform(1.7, 2.0)
    m.group(0)
    m.turned("pot", clay, [(foot, 0), (0.93 * wide, rim - 0.1)])
    m.keypoint("pot base left", (-foot, 0.01, 0))
    m.keypoint("pot base right", (foot, 0.01, 0))
    m.turned("pot", clay.tone(1.1), [(wide, rim - 0.14), (wide, rim)])
    m.panel("soil", soil, np.insert(circle() * 0.9 * wide, 1, rim + 0.002, axis=1), (0, 1, 0))
    m.keypoint("rim left", (-wide, rim - 0.02, 0))
    m.keypoint("rim right", (wide, rim - 0.02, 0))
    m.keypoint("pot front", (0, 0.42 * rim, 0.62 * (foot + wide) / 2))
    n = int(rng.integers(5, 8))
    slim, flowers = rng.uniform(0.07, 0.13), rng.random() < 0.55
    spread = np.radians(rng.uniform(50, 72))
    angles = np.linspace(-spread, spread, n)
    order = np.argsort(-np.abs(angles), kind="stable")
    for i in order:
        angle, long = angles[i], (tall - rim) * (1 - 0.22 * abs(angles[i]) / spread)
        name = {0: "leaf left", n - 1: "leaf right", n // 2: "leaf top"}.get(int(i))
        way = np.array((np.sin(angle), np.cos(angle)))
        bow = np.array((way[0] * 0.5, way[1] * 1.05)) * long / 2
        end = way * long * (1, 1 - 0.25 * abs(angle))
        z = float(rng.uniform(-0.1, 0.14)) if i != n // 2 else 0.05
        line = curve([(0.12 * angle, rim - 0.02, z), (bow[0], rim + bow[1], z),
                      (end[0], rim + end[1], z)], 8)  # fmt: skip
        tone = leaf.tone(float(rng.uniform(0.8, 1.2)))
        widths = slim * np.array((0.22, 0.5, 1.0, 1.05, 0.8, 0.08))
        m.tube("leaves", tone, line, widths)
        m.tube("leaves", tone.tone(1.3), line[1:-1], 0.012)
        if name:
            m.keypoint(name, line[-1])
        if flowers and i % 2 == 0 and name is None:
            _flower(m, bloom, line[-2])
    if flowers:
        _flower(m, bloom, (rng.uniform(-0.2, 0.2), rim + 0.55 * (tall - rim), 0.2))


def _flower(m: Model, bloom: Paint, at: np.ndarray | tuple[float, float, float]) -> None:
    x, y, z = (float(v) for v in at)
    for k in range(5):
        angle = 2 * np.pi * k / 5 + 0.3
        petal = (x + 0.075 * np.cos(angle), y + 0.075 * np.sin(angle), z + 0.02)
        m.blob("flowers", bloom, petal, (0.065, 0.065, 0.03))
    m.blob("flowers", Paint("yellow", (0.93, 0.76, 0.26)), (x, y, z + 0.04), (0.045, 0.045, 0.03))
