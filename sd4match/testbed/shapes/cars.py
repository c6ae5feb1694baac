"""Cars and buses: boxes on four wheels. About two units long; y = 0 is the ground."""

import numpy as np

from sd4match.testbed.shapes.object_model import Floats, Model
from sd4match.testbed.shapes.palette import Paint, Palette

Rng = np.random.Generator

_FRONT, _REAR = (1, 0, 0), (-1, 0, 0)


def _wheel(m: Model, rubber: Paint, rim: Paint, at: tuple[float, float, float], r: float) -> None:
    x, y, z = at
    m.turned("wheels", rubber, [(r, -0.06), (r, 0.06)], at=at, axis="z")
    m.disc("wheels", rim, (x, y, z + 0.065), 0.58 * r)
    m.disc("wheels", rubber, (x, y, z + 0.07), 0.2 * r)


def _four_wheels(
    m: Model, rubber: Paint, rim: Paint, xs: dict[str, float], r: float, width: float
) -> None:
    for layer in (-1, 1):
        for end, x in xs.items():
            m.group(layer)
            at = (x, r, (width - 0.06) * layer)
            _wheel(m, rubber, rim, at, r)
            if layer > 0:
                m.keypoint(f"{end} wheel", (x, r, at[2] + 0.07))


def _between(a: Floats, b: Floats, at: float) -> Floats:
    point: Floats = np.asarray(a) + (np.asarray(b) - np.asarray(a)) * at
    return point


def car(m: Model, rng: Rng, palette: Palette) -> None:
    """Saloon to hatchback: a body, a tapered cabin, glass all around."""
    coat = palette.pick(
        rng, "red", "blue", "yellow", "white", "silver", "green", "orange", "teal", "navy",
        gloss=0.45, grain=0.01,
    )  # fmt: skip
    glass = palette.pick(rng, "silver", "white", gloss=0.6, grain=0.0).tone(0.88)
    rubber, rim = palette.pick(rng, "dark", grain=0.03), palette.pick(rng, "silver", "grey")
    dark, lamp = rubber.tone(0.9), palette.pick(rng, "yellow", "white", gloss=0.5, grain=0)
    tail = palette.pick(rng, "red", gloss=0.4, grain=0)
    r, width = rng.uniform(0.175, 0.215), rng.uniform(0.38, 0.44)
    belt, roof = rng.uniform(0.46, 0.53), rng.uniform(0.76, 0.88)
    low, nose = rng.uniform(0.11, 0.15), rng.uniform(0.34, 0.41)
    front, rear = rng.uniform(0.3, 0.42), rng.uniform(-0.92, -0.62)  # where the cabin meets it
    xs = {"front": rng.uniform(0.56, 0.63), "rear": rng.uniform(-0.66, -0.56)}
    _four_wheels(m, rubber, rim, xs, r, width)
    m.group(0)
    boot = belt - rng.uniform(0.0, 0.06)
    body = [(-0.97, low), (0.95, low), (1, low + 0.06), (0.98, nose), (0.92, nose + 0.04),
            (front, belt), (rear, boot), (-0.95, boot - 0.03), (-1, low + 0.08)]  # fmt: skip
    m.extrude("body", coat, body, width)
    for x in xs.values():
        m.disc("body", coat.tone(0.35), (x, r, width + 0.002), 1.16 * r)
    for end, x in (("front", 0.99), ("rear", -0.99)):
        bumper = [(x - 0.09, low), (x + 0.03, low), (x + 0.03, low + 0.07), (x - 0.09, low + 0.07)]
        if end == "rear":
            bumper = [(2 * x - px, py) for px, py in bumper]
        m.extrude("bumpers", coat.tone(0.55), bumper if end == "front" else bumper[::-1], width)
    m.side("headlights", lamp, [(0.86, nose - 0.1), (0.985, nose - 0.1), (0.97, nose), (0.9, nose)],
           width + 0.003)  # fmt: skip
    m.side("taillights", tail, [(-0.99, boot - 0.15), (-0.9, boot - 0.15), (-0.92, boot - 0.05),
           (-0.96, boot - 0.05)], width + 0.003)  # fmt: skip
    for z in (-0.66 * width, 0.66 * width):
        for part, paint, x, y, facing in (
            ("headlights", lamp, 1.0, nose - 0.06, _FRONT),
            ("taillights", tail, -1.0, boot - 0.1, _REAR),
        ):
            box = [(x, y + dy, z + dz) for dy, dz in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            box = [(px, y + 0.05 * (py - y), z + 0.3 * width * (pz - z)) for px, py, pz in box]
            m.panel(part, paint, box, facing)
    m.across("bumpers", dark, [(1.001, nose - 0.17), (1.001, nose - 0.05)], 0.3 * width,
             toward=_FRONT)  # fmt: skip
    for x in (front - 0.36, front - 0.9 if rear < -0.7 else front - 0.82):
        m.side("body", coat.tone(0.6), [(x, low + 0.05), (x + 0.012, low + 0.05),
               (x + 0.012, belt), (x, belt)], width + 0.003)  # fmt: skip
    m.side("body", coat.tone(0.45), [(front - 0.32, belt - 0.1), (front - 0.21, belt - 0.1),
           (front - 0.21, belt - 0.07), (front - 0.32, belt - 0.07)], width + 0.004)  # fmt: skip
    m.keypoint("front bumper", (1.01, low + 0.07, width))
    m.keypoint("rear bumper", (-1.01, low + 0.08, width))
    m.keypoint("headlight", (0.93, nose - 0.05, width + 0.003))
    m.keypoint("taillight", (-0.94, boot - 0.1, width + 0.003))
    lean_front, lean_rear = rng.uniform(0.24, 0.36), rng.uniform(0.08, 0.26)
    a, b = np.array((front, belt - 0.01)), np.array((front - lean_front, roof))
    c, d = np.array((rear + lean_rear, roof)), np.array((rear, boot - 0.01))
    top = 0.8 * width
    m.extrude("roof", coat, [d, a, b, c], [width, width, top, top])
    m.across("windows", glass, [_between(a, b, 0.1), _between(a, b, 0.88)], 0.78 * width,
             toward=(1, 0.8, 0))  # fmt: skip
    m.across("windows", glass, [_between(d, c, 0.15), _between(d, c, 0.85)], 0.74 * width,
             toward=(-1, 0.8, 0))  # fmt: skip
    pillar = front - 0.4 - 0.15 * rng.random()
    up = float(_between(a, b, 0.86)[1])
    depth = [0.985 * width, 0.985 * width, 0.83 * width, 0.83 * width]
    sill, post = belt + 0.02, 0.025
    left = [
        (d[0] + 0.12, d[1] + 0.03),
        (pillar - post, sill),
        (pillar - post, up),
        (c[0] + 0.01, up),
    ]
    right = [(pillar + post, sill), (a[0] - 0.07, a[1] + 0.03), (b[0], up), (pillar + post, up)]
    for pane in (left, right):
        m.side("windows", glass, pane, np.array(depth) + 0.004)
    m.keypoint("windshield base", (a[0], a[1] + 0.01, width))
    m.keypoint("windshield top", (b[0], roof, top))
    m.keypoint("rear window top", (c[0], roof, top))
    m.keypoint("rear window base", (d[0], d[1] + 0.01, width))
    m.keypoint("far windshield top", (b[0], roof, -top))
    m.keypoint("far headlight", (1.0, nose - 0.06, -0.66 * width), _FRONT)


def bus(m: Model, rng: Rng, palette: Palette) -> None:
    """A long box with a row of windows, a door and a stripe."""
    coat = palette.pick(
        rng, "red", "yellow", "blue", "green", "orange", "white", "teal", gloss=0.3, grain=0.01
    )
    stripe = palette.pick(rng, "white", "navy", "beige", "red", avoid=(coat.name,), grain=0.01)
    glass = palette.pick(rng, "silver", "white", gloss=0.5, grain=0).tone(0.85)
    rubber, rim = palette.pick(rng, "dark", grain=0.03), palette.pick(rng, "silver", "grey")
    lamp = palette.pick(rng, "yellow", "white", gloss=0.5, grain=0)
    r, width, roof = rng.uniform(0.14, 0.17), rng.uniform(0.3, 0.36), rng.uniform(0.84, 1.02)
    low, edge = 0.1, rng.uniform(0.02, 0.08)
    xs = {"front": rng.uniform(0.58, 0.68), "rear": rng.uniform(-0.66, -0.54)}
    _four_wheels(m, rubber, rim, xs, r, width)
    m.group(0)
    m.extrude("body", coat, [(-1, low), (1, low), (1, 0.5), (1 - edge, roof), (-1 + edge / 2, roof),
              (-1, roof - 0.05)], width)  # fmt: skip
    skin = width + 0.003
    for x in xs.values():
        m.disc("body", coat.tone(0.35), (x, r, skin), 1.2 * r)
    at = rng.uniform(0.3, 0.36)
    m.side("stripe", stripe, [(-1, at), (1, at), (1, at + 0.07), (-1, at + 0.07)], skin)
    sill, lintel = rng.uniform(0.48, 0.54), roof - rng.uniform(0.1, 0.15)
    n = int(rng.integers(4, 8))
    doors = 0.72
    for i in range(n):
        x0, x1 = (-0.93 + (doors + 0.93) * (i + k) / n for k in (0.08, 0.92))
        m.side("windows", glass, [(x0, sill), (x1, sill), (x1, lintel), (x0, lintel)], skin)
    m.side("door", glass.tone(0.8), [(doors + 0.03, low + 0.05), (0.93, low + 0.05),
           (0.93 - edge / 2, lintel), (doors + 0.03, lintel)], skin)  # fmt: skip
    m.side("door", coat.tone(0.5), [(0.836, low + 0.05), (0.85, low + 0.05),
           (0.845, lintel), (0.831, lintel)], skin + 0.001)  # fmt: skip
    m.across("windows", glass, [(1.003, 0.46), (1.003 - 0.75 * edge, roof - 0.12)], 0.86 * width,
             toward=_FRONT)  # fmt: skip
    m.across("windows", glass, [(-1.003, 0.56), (-1.003, roof - 0.14)], 0.8 * width,
             toward=_REAR)  # fmt: skip
    m.across("bumpers", coat.tone(0.4), [(1.004, low), (1.004, low + 0.08)], width, toward=_FRONT)
    for z in (-0.66 * width, 0.66 * width):
        y, s = 0.27, 0.2 * width
        m.panel("headlights", lamp, [(1.005, y - 0.04, z - s), (1.005, y + 0.04, z - s),
                (1.005, y + 0.04, z + s), (1.005, y - 0.04, z + s)], _FRONT)  # fmt: skip
    m.side("headlights", lamp, [(0.94, 0.23), (0.995, 0.23), (0.995, 0.31), (0.94, 0.31)], skin)
    m.keypoint("front bottom", (1, low, width))
    m.keypoint("rear bottom", (-1, low, width))
    m.keypoint("front roof", (1 - edge, roof, width))
    m.keypoint("rear roof", (-1 + edge / 2, roof, width))
    m.keypoint("headlight", (0.97, 0.27, skin))
    m.keypoint("first window", (-0.93 + (doors + 0.93) * 0.08 / n, sill, skin))
    m.keypoint("door bottom", (0.88, low + 0.05, skin))
    m.keypoint("door top", (0.88 - edge / 3, lintel, skin))
    m.keypoint("far front roof", (1 - edge, roof, -width))
    m.keypoint("far rear roof", (-1 + edge / 2, roof, -width))
