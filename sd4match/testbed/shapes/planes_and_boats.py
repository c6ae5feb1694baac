"""Aeroplane and boat."""

import numpy as np

from sd4match.testbed.shapes.object_model import Model, curve
from sd4match.testbed.shapes.palette import Palette

Rng = np.random.Generator


def aeroplane(m: Model, rng: Rng, palette: Palette) -> None:
    """An airliner: a round fuselage, swept wings with engines, a colored fin."""
    skin = palette.pick(rng, "white", "silver", "beige", "yellow", gloss=0.35, grain=0.01)
    coat = palette.pick(rng, "red", "blue", "navy", "orange", "green", "teal", "purple", gloss=0.3)
    metal, glass = palette.pick(rng, "grey", "silver"), palette.pick(rng, "dark", "navy", gloss=0.4)
    r, span = rng.uniform(0.115, 0.15), rng.uniform(0.85, 1.1)
    sweep, chord = rng.uniform(0.25, 0.55), rng.uniform(0.3, 0.42)
    root, rise = rng.uniform(0.05, 0.2), rng.uniform(0.04, 0.14)
    low = -0.4 * r
    tail, fin = rng.uniform(0.32, 0.42), rng.uniform(0.36, 0.48)
    for side, name in ((-1, "far "), (1, "")):
        tip = root - sweep
        m.group(side)
        z, end = side * 0.7 * r, side * span
        m.panel("wings", skin.tone(0.9), [(root + chord / 2, low, z), (tip + 0.1, low + rise, end),
                (tip - 0.06, low + rise, end), (root - chord / 2, low, z)])  # fmt: skip
        m.keypoint(f"{name}wing tip", (tip + 0.02, low + rise, end))
        pod, at = root - 0.35 * sweep, side * (0.36 * span)
        y = low + 0.2 * rise - 0.07
        m.turned("engines", metal, [(0.05, pod - 0.06), (0.07, pod + 0.05), (0.062, pod + 0.19)],
                 at=(0, y, at), axis="x")  # fmt: skip
        m.panel("engines", glass, [(pod + 0.192, y + 0.05 * np.cos(t), at + 0.05 * np.sin(t))
                for t in np.linspace(0, 6.28, 12, endpoint=False)], (1, 0, 0))  # fmt: skip
        if side > 0:
            m.keypoint("wing root", (root - chord / 2, low, z))
            m.keypoint("engine", (pod + 0.19, y, at))
        m.group(side)
        m.panel("tail", coat, [(-0.72, 0.3 * r, side * 0.03), (-0.96, 0.4 * r, side * tail),
                (-1.06, 0.4 * r, side * tail), (-0.98, 0.3 * r, side * 0.03)])  # fmt: skip
        m.keypoint(f"{name}tail tip", (-1.01, 0.4 * r, side * tail))
    m.group(0)
    m.panel("fin", coat, [(-0.62, 0.5 * r, 0), (-0.9, fin, 0), (-1.04, fin, 0), (-1.0, 0.4 * r, 0)])
    m.keypoint("fin top", (-0.97, fin, 0))
    xs = np.array((-1.06, -0.85, -0.5, 0.0, 0.5, 0.78, 0.92, 0.99, 1.02))
    radii = np.array((0.03, 0.06, 0.12, r, r, 0.92 * r, 0.68 * r, 0.36 * r, 0.12 * r))
    heights = np.array(
        (0.25 * r, 0.25 * r, 0.1 * r, 0, 0, -0.03 * r, -0.1 * r, -0.16 * r, -0.2 * r)
    )
    m.tube("fuselage", skin, np.column_stack((xs, heights, np.zeros(9))), radii)
    band = 0.05 * r
    m.side("stripe", coat, [(-0.75, band - 0.04), (0.8, band - 0.05), (0.84, band), (-0.75, band)],
           0.97 * r)  # fmt: skip
    n = int(rng.integers(9, 14))
    for x in np.linspace(-0.5, 0.62, n):
        m.side("windows", glass, [(x, 0.25 * r), (x + 0.04, 0.25 * r), (x + 0.04, 0.52 * r),
               (x, 0.52 * r)], 0.9 * r)  # fmt: skip
    m.side("windows", glass, [(0.8, 0.3 * r), (0.91, 0.24 * r), (0.87, 0.56 * r), (0.8, 0.62 * r)],
           0.5 * r)  # fmt: skip
    m.keypoint("nose", (1.03, -0.2 * r, 0))
    m.keypoint("cockpit", (0.85, 0.45 * r, 0.5 * r))
    m.keypoint("tail end", (-1.07, 0.25 * r, 0))
    m.keypoint("belly", (0.5, -0.95 * r, 0.02))


def boat(m: Model, rng: Rng, palette: Palette) -> None:
    """A sailing boat: a pointed hull, a small cabin, a mast with two sails."""
    coat = palette.pick(rng, "white", "red", "navy", "blue", "brown", "green", gloss=0.3)
    keel = palette.pick(rng, "red", "navy", "white", "dark", "teal", avoid=(coat.name,))
    cloth = palette.pick(rng, "white", "beige", "orange", "red", "yellow", grain=0.02)
    deck = palette.pick(rng, "beige", "brown", "white")
    cabin = palette.pick(rng, "white", "silver", "beige")
    wood = palette.pick(rng, "brown", "silver", "beige")
    glass = palette.pick(rng, "navy", "dark", gloss=0.4)
    high, width = rng.uniform(0.26, 0.36), rng.uniform(0.24, 0.34)
    bow = rng.uniform(0.06, 0.14)
    # The hull's lines from stern to bow: (x, y, fraction of the width).
    top = [(-0.82, high, 0.7), (-0.3, high - 0.03, 1.0), (0.3, high, 0.9),
           (0.75, high + bow / 2, 0.4), (1, high + bow, 0)]  # fmt: skip
    keep = [(-0.74, 0, 0.5), (-0.3, 0, 0.75), (0.25, 0, 0.62), (0.58, 0, 0.25), (0.74, 0, 0)]
    mid = [tuple(0.7 * np.array(a) + 0.3 * np.array(b)) for a, b in zip(keep, top, strict=True)]

    def at(row: tuple[float, ...], side: int) -> tuple[float, float, float]:
        return row[0], row[1], side * row[2] * width

    m.group(-1)
    rim = [at(row, 1) for row in top] + [at(row, -1) for row in top[::-1]]
    for side in (-1, 1):
        for i in range(4):
            for part, paint, lower, upper in (("keel", keel, keep, mid), ("hull", coat, mid, top)):
                quad = [at(lower[i], side), at(lower[i + 1], side), at(upper[i + 1], side),
                        at(upper[i], side)]  # fmt: skip
                slope = (lower[i][2] - lower[i + 1][2]) * width * 1.5
                m.panel(part, paint, quad, (slope, -0.25, side))
    stern = [
        at(row, side) for row, side in ((keep[0], -1), (top[0], -1), (top[0], 1), (keep[0], 1))
    ]
    m.panel("hull", coat, stern, (-1, 0, 0))
    m.panel("deck", deck, rim, (0, 1, 0))
    m.keypoint("bow", (1, high + bow, 0))
    m.keypoint("stern", at(top[0], 1))
    m.keypoint("far stern", at(top[0], -1))
    m.keypoint("keel front", (0.74, 0, 0))
    m.keypoint("keel rear", at(keep[0], 1))
    m.group(0)
    x0, x1, roof = -rng.uniform(0.42, 0.52), rng.uniform(-0.1, 0.02), high + rng.uniform(0.14, 0.2)
    m.extrude("cabin", cabin, [(x0, high - 0.03), (x1 + 0.12, high - 0.03), (x1, roof), (x0, roof)],
              0.5 * width)  # fmt: skip
    for k in (0.12, 0.56):
        a, b = x0 + (x1 - x0) * k, x0 + (x1 - x0) * (k + 0.34)
        pane = [(a, high + 0.04), (b, high + 0.04), (b, roof - 0.035), (a, roof - 0.035)]
        m.side("windows", glass, pane, 0.5 * width + 0.003)
    m.keypoint("cabin roof", (x0, roof, 0.5 * width))
    m.group(1)
    mast, tip = rng.uniform(0.12, 0.22), rng.uniform(1.45, 1.8)
    boom, swing = rng.uniform(-0.72, -0.55), rng.uniform(-0.15, 0.25)
    foot = high + rng.uniform(0.24, 0.3)
    m.tube("mast", wood, [(mast, high, 0), (mast, tip, 0)], (0.026, 0.018))
    m.tube("mast", wood, [(mast, foot, 0), (boom, foot - 0.02, swing)], 0.02)
    belly = ((boom + mast) / 2 - 0.1, (foot + tip) / 2, swing / 2 + 0.05)
    leech = curve([(boom, foot, swing), belly, (mast - 0.02, tip - 0.06, 0)], 7)
    m.panel("sail", cloth, [*leech, (mast - 0.03, foot + 0.02, 0)])
    luff = curve([(mast + 0.02, tip - 0.22, 0), (0.5, (high + tip) / 2 - 0.12, 0.1),
                  (0.93, high + bow + 0.04, 0)], 7)  # fmt: skip
    m.panel("sail", cloth.tone(0.93), [*luff, (mast + 0.06, foot - 0.04, 0.08)])
    flag = palette.pick(rng, "red", "yellow", "blue", "green")
    m.panel("flag", flag, [(mast, tip, 0), (mast, tip - 0.1, 0), (mast - 0.2, tip - 0.05, 0)])
    m.keypoint("mast top", (mast, tip, 0))
    m.keypoint("mast foot", (mast, high, 0.02))
    m.keypoint("boom end", (boom, foot - 0.01, swing))
    m.keypoint("jib corner", (mast + 0.06, foot - 0.04, 0.08))
