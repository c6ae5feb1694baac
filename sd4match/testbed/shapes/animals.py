"""Animals on four legs: cat and sheep."""

import numpy as np

from sd4match.testbed.shapes.birds import paint_eye
from sd4match.testbed.shapes.object_model import Model, curve
from sd4match.testbed.shapes.palette import Paint, Palette

Rng = np.random.Generator


def _legs(
    m: Model, rng: Rng, paint: Paint, foot: Paint, xs: tuple[float, float], top: float,
    thick: float, near: int,
) -> None:  # fmt: skip
    """Four legs, mid-stride, with a keypoint on each paw; the near ones on layer ``near``."""
    for layer, side in ((-2, "far "), (near, "")):
        for end, x in (("front", xs[1]), ("hind", xs[0])):
            m.group(layer)
            swing, z = rng.uniform(-0.12, 0.12), -0.13 if side else 0.13
            knee = (x + 0.4 * swing + (0.03 if end == "hind" else -0.01), top / 2, z)
            coat = paint.tone(0.82) if side else paint
            paw = (x + swing + 0.03, 0.03, z)
            m.tube("legs", coat, [(x, top, z), knee, (x + swing, 0.06, z)],
                   (1.5 * thick, thick, 0.85 * thick))  # fmt: skip
            m.blob("feet", foot.tone(0.82) if side else foot, paw, (0.09, 0.055, 0.07))
            m.keypoint(f"{side}{end} foot", paw)


def cat(m: Model, rng: Rng, palette: Palette) -> None:
    """A cat on its four legs, its tail up, its face turned to the viewer."""
    coat = palette.pick(rng, "orange", "grey", "dark", "beige", "brown", "white", grain=0.07)
    mark = coat.tone(0.68) if coat.name != "dark" else coat.tone(1.35)
    pale = palette.pick(rng, "white", "beige") if rng.random() < 0.6 else coat.tone(1.25)
    iris = palette.pick(rng, "green", "yellow", "blue", gloss=0.3, grain=0)
    lift, deep = rng.uniform(0.5, 0.58), rng.uniform(0.19, 0.25)
    _legs(m, rng, coat, pale, (-0.5, 0.42), lift, 0.075, 1)
    m.group(-1)
    base = (-0.62, lift + 0.1, 0)
    tip = (-rng.uniform(0.8, 1.05), lift + rng.uniform(0.55, 0.8), 0.0)
    bend = (-0.98, lift + rng.uniform(0.1, 0.25), 0)
    m.tube("tail", mark, curve([base, bend, tip], 9), (0.075, 0.06, 0.045))
    m.keypoint("tail tip", tip)
    m.group(0)
    spine = curve([(-0.5, lift + 0.02, 0), (0, lift + 0.05, 0), (0.42, lift + 0.06, 0)], 7)
    m.tube("body", coat, spine, (deep, deep * 0.95, deep * 1.02))
    m.keypoint("tail base", (-0.66, lift + 0.12, 0))
    m.keypoint("back", (0.0, lift + deep, 0))
    if rng.random() < 0.65:
        for x in np.linspace(-0.45, 0.2, int(rng.integers(3, 6))):
            y = lift + deep * 0.98
            m.panel("stripes", mark, [(x - 0.04, y, 0.05), (x + 0.04, y, 0.05),
                    (x + 0.0, lift - 0.02, deep)])  # fmt: skip
    m.group(2)
    size = rng.uniform(0.25, 0.3)
    head = np.array((0.62, lift + rng.uniform(0.3, 0.42)))
    x, y, z = head[0], head[1], 0.12
    for way, name in ((-1, ""), (1, "far ")):
        ear = (x + way * 0.85 * size, y + 1.35 * size, z)
        m.panel("ears", coat, [(x + way * 0.95 * size, y + 0.3 * size, z), ear,
                (x + way * 0.2 * size, y + 0.85 * size, z)])  # fmt: skip
        inner = np.array([(x + way * 0.82 * size, y + 0.5 * size, z), ear,
                          (x + way * 0.38 * size, y + 0.8 * size, z)])  # fmt: skip
        m.panel("ears", palette.pick(rng, "pink"), 0.8 * inner + 0.2 * inner.mean(0))
        m.keypoint(f"{name}ear tip", ear)
    m.blob("head", coat, (x, y, z), (1.08 * size, 0.92 * size, 0.8 * size))
    face = z + 0.62 * size
    for way in (-1, 0, 1):
        m.panel("stripes", mark, [(x + (0.22 * way - 0.05) * size, y + 0.85 * size, face),
                (x + (0.22 * way + 0.05) * size, y + 0.85 * size, face),
                (x + 0.16 * way * size, y + 0.5 * size, face)])  # fmt: skip
    m.blob("muzzle", pale, (x + 0.02, y - 0.36 * size, face), (0.48 * size, 0.32 * size, 0.1))
    for way, name in ((-1, ""), (1, "far ")):
        at = (x + way * 0.44 * size, y + 0.1 * size, face + 0.02)
        paint_eye(m, at, 0.13 * size, iris)
        m.keypoint(f"{name}eye", at)
    nose = palette.pick(rng, "pink", gloss=0.3)
    m.panel("nose", nose, [(x - 0.05, y - 0.12 * size, face + 0.1), (x + 0.05, y - 0.12 * size,
            face + 0.1), (x, y - 0.3 * size, face + 0.1)])  # fmt: skip
    for way in (-1, 1):
        for k in (-0.06, 0.04):
            m.tube("whiskers", Paint("white", (0.96, 0.95, 0.92)), [(x + way * 0.3 * size,
                   y - 0.34 * size, face + 0.1), (x + way * 1.35 * size, y - 0.36 * size + k,
                   face)], 0.008)  # fmt: skip
    m.keypoint("nose", (x, y - 0.2 * size, face + 0.1))


def sheep(m: Model, rng: Rng, palette: Palette) -> None:
    """A woolly cloud on four thin legs."""
    wool = palette.pick(rng, "white", "beige", "white", "grey", "brown", grain=0.09)
    skin = palette.pick(rng, "dark", "beige" if wool.name != "beige" else "brown", "dark")
    horn = palette.pick(rng, "brown", "beige")
    lift, long, deep = rng.uniform(0.62, 0.7), rng.uniform(0.5, 0.58), rng.uniform(0.29, 0.35)
    _legs(m, rng, skin, skin.tone(0.6), (-0.36, 0.34), lift - 0.15, 0.06, -1)
    m.group(-1)
    m.blob("tail", wool.tone(0.9), (-long - 0.13, lift + 0.02, 0), (0.12, 0.15, 0.1), -25)
    m.keypoint("tail", (-long - 0.18, lift - 0.02, 0))
    m.group(0)
    n = int(rng.integers(9, 13))
    for k in range(n):
        angle = 2 * np.pi * k / n + rng.uniform(-0.1, 0.1)
        at = (long * 0.95 * np.cos(angle), lift + deep * 0.86 * np.sin(angle), 0.0)
        puff = rng.uniform(0.15, 0.19)
        m.blob("wool", wool, at, (puff, puff, 0.15))
    m.blob("wool", wool, (0, lift, 0.02), (long, deep, 0.3))
    for _ in range(6):
        at = (rng.uniform(-0.7, 0.7) * long, lift + rng.uniform(-0.5, 0.5) * deep, 0.26)
        m.blob("wool", wool.tone(1.04), at, (0.14, 0.12, 0.06))
    m.keypoint("back", (0, lift + 1.15 * deep, 0))
    m.keypoint("belly", (0, lift - 1.1 * deep, 0.05))
    m.group(2)
    head = np.array((long + rng.uniform(0.2, 0.28), lift + rng.uniform(0.16, 0.28)))
    drop = rng.uniform(-42, -24)
    x, y = head
    m.blob("ears", skin.tone(0.8), (x - 0.16, y + 0.09, -0.1), (0.15, 0.055, 0.05), 150)
    m.keypoint("far ear", (x - 0.27, y + 0.15, -0.1))
    m.blob("head", skin, (x, y, 0.06), (0.24, 0.155, 0.13), drop)
    m.blob("wool", wool, (x - 0.12, y + 0.13, 0.06), (0.15, 0.1, 0.12))
    if rng.random() < 0.4:
        m.tube("horns", horn, curve([(x - 0.06, y + 0.16, 0.16), (x - 0.2, y + 0.26, 0.18),
               (x - 0.26, y + 0.1, 0.2), (x - 0.14, y + 0.05, 0.2)], 8), (0.055, 0.02))  # fmt: skip
    m.blob("ears", skin.tone(0.9), (x - 0.15, y + 0.02, 0.18), (0.14, 0.055, 0.05), 205)
    m.keypoint("ear", (x - 0.26, y - 0.03, 0.19))
    paint_eye(m, (x + 0.03, y + 0.05, 0.18), 0.035, Paint("white", (0.93, 0.9, 0.84), 0, 0))
    m.keypoint("eye", (x + 0.04, y + 0.05, 0.2))
    snout = (x + 0.22 * np.cos(np.radians(drop)), y + 0.22 * np.sin(np.radians(drop)), 0.08)
    m.blob("nose", skin.tone(0.7), snout, (0.055, 0.05, 0.06))
    m.keypoint("nose", snout)
