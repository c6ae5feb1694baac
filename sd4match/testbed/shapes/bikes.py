"""Motorbike and bicycle. About two units long; y = 0 is the ground."""

# ruff: noqa: RUF005 (arrays and tuples are added, not joined)

import numpy as np

from sd4match.testbed.shapes.object_model import Model, curve
from sd4match.testbed.shapes.palette import Palette

Rng = np.random.Generator


def motorbike(m: Model, rng: Rng, palette: Palette) -> None:
    """Two wheels, a tank, a seat, an engine and an exhaust between them."""
    coat = palette.pick(rng, "red", "blue", "green", "orange", "yellow", "teal", "navy", gloss=0.5,
                        grain=0.01)  # fmt: skip
    rubber, metal = palette.pick(rng, "dark"), palette.pick(rng, "silver", gloss=0.5, grain=0.01)
    iron, leather = palette.pick(rng, "grey").tone(0.75), palette.pick(rng, "dark", "brown")
    lamp = palette.pick(rng, "yellow", "white", gloss=0.5, grain=0)
    r, fork = rng.uniform(0.3, 0.36), rng.uniform(0.68, 0.78)
    rear, head = -rng.uniform(0.62, 0.7), np.array((rng.uniform(0.34, 0.42), rng.uniform(0.86, 1)))
    saddle = rng.uniform(0.66, 0.74)
    for x in (rear, fork):
        m.group(-1)
        m.turned("wheels", rubber, [(r, -0.07), (r, 0.07)], at=(x, r, 0), axis="z")
        m.disc("wheels", metal, (x, r, 0.075), 0.7 * r)
        m.disc("wheels", rubber.tone(1.25), (x, r, 0.08), 0.58 * r)
        for k in range(3):
            spoke = np.radians(60 * k + 20) + np.array((0, np.pi))
            ends = np.column_stack((x + 0.6 * r * np.cos(spoke), r + 0.6 * r * np.sin(spoke)))
            m.tube("wheels", metal, np.column_stack((ends, (0.085, 0.085))), 0.016)
        m.disc("wheels", metal, (x, r, 0.09), 0.2 * r)
    m.group(-1)
    m.tube("handlebar", metal, [(*head, -0.3), (*head, 0)], 0.03)
    m.keypoint("far grip", (*(head + (-0.07, 0.02)), -0.34))
    m.group(0)
    arch = np.radians(np.linspace(60, 150, 7))
    guard = np.column_stack((fork + 1.12 * r * np.cos(arch), r + 1.12 * r * np.sin(arch)))
    m.tube("fenders", coat, np.column_stack((guard, np.full(7, 0.02))), (0.03, 0.055, 0.03))
    m.keypoint("front fender", (*guard[3], 0.02))
    m.tube("fork", metal, [(fork, r, 0.1), (*head, 0.06)], 0.032)
    m.keypoint("front wheel", (fork, r, 0.13))
    arch = np.radians(np.linspace(20, 120, 7))
    guard = np.column_stack((rear + 1.12 * r * np.cos(arch[::-1]), r + 1.12 * r * np.sin(arch)))
    m.tube("fenders", coat, [(rear - 0.3, saddle - 0.06, 0), (rear - 0.02, saddle - 0.02, 0)],
           (0.035, 0.07))  # fmt: skip
    m.tube("frame", iron, [(rear, r, 0.08), (-0.1, 0.36, 0.09), (0.12, 0.34, 0.09)], 0.04)
    m.tube("frame", iron, [(0.14, 0.32, 0.06), (head[0] - 0.02, head[1] - 0.12, 0.05)], 0.035)
    m.tube("frame", iron, [(rear + 0.02, r + 0.04, 0.09), (-0.42, saddle - 0.03, 0.08)], 0.032)
    m.keypoint("rear wheel", (rear, r, 0.11))
    m.blob("engine", iron, (0.0, 0.4, 0.05), (0.23, 0.17, 0.12))
    m.blob("engine", metal, (0.05, 0.38, 0.12), (0.1, 0.1, 0.06))
    for k in range(3):
        y = 0.47 + 0.045 * k
        m.tube("engine", metal.tone(0.85), [(-0.06, y, 0.13), (0.15, y + 0.02, 0.13)], 0.014)
    m.keypoint("engine", (0.05, 0.38, 0.18))
    tip = (rear - rng.uniform(0.1, 0.25), rng.uniform(0.26, 0.36), 0.16)
    pipe = curve([(0.16, 0.34, 0.14), (0.08, 0.22, 0.16), (-0.2, 0.22, 0.16), tip], 8)
    m.tube("exhaust", metal, pipe, (0.025, 0.03, 0.055, 0.06))
    m.keypoint("exhaust tip", tip)
    m.tube("seat", leather, curve([(-0.78, saddle + 0.05, 0), (-0.45, saddle + 0.02, 0),
           (-0.06, saddle - 0.01, 0)], 6), (0.05, 0.085, 0.08))  # fmt: skip
    m.keypoint("seat", (-0.42, saddle + 0.06, 0.03))
    m.tube("taillight", palette.pick(rng, "red"), [(-0.86, saddle + 0.02, 0), (-0.82, saddle, 0)],
           0.05)  # fmt: skip
    m.keypoint("tail", (-0.87, saddle + 0.02, 0.02))
    m.blob("tank", coat, (0.14, saddle + 0.05, 0.02), (0.27, 0.15, 0.14), rng.uniform(4, 14))
    m.side("tank", palette.pick(rng, "white", "silver", "dark"), [(0.02, saddle + 0.02),
           (0.26, saddle + 0.06), (0.24, saddle + 0.1), (0.03, saddle + 0.06)], 0.16)  # fmt: skip
    m.keypoint("tank", (0.15, saddle + 0.18, 0.04))
    m.blob("headlight", coat.tone(0.8), (*(head + (0.06, -0.1)), 0.03), (0.1, 0.09, 0.1))
    m.blob("headlight", lamp, (*(head + (0.13, -0.11)), 0.03), (0.05, 0.075, 0.08))
    m.keypoint("headlight", (*(head + (0.15, -0.11)), 0.04))
    grip = (*(head + (-0.07, 0.03)), 0.33)
    m.tube(
        "handlebar", metal, curve([(*head, 0.02), (*(head + (0.0, 0.05)), 0.16), grip], 5), 0.025
    )
    m.tube("handlebar", rubber, [(*(head + (-0.04, 0.03)), 0.24), grip], 0.04)
    m.keypoint("grip", grip)


def bicycle(m: Model, rng: Rng, palette: Palette) -> None:
    """Two thin wheels and a diamond frame: mostly what is behind it is seen."""
    coat = palette.pick(rng, "red", "blue", "green", "yellow", "teal", "purple", "orange", "dark",
                        gloss=0.4, grain=0.01)  # fmt: skip
    rubber, metal = palette.pick(rng, "dark"), palette.pick(rng, "silver", gloss=0.4, grain=0.01)
    leather = palette.pick(rng, "dark", "brown")
    r, back, ahead = rng.uniform(0.36, 0.41), -rng.uniform(0.56, 0.62), rng.uniform(0.56, 0.62)
    spokes = int(rng.integers(5, 8))
    start = rng.uniform(0, np.pi)
    for x in (back, ahead):
        m.group(-1)
        for k in range(spokes):
            angle = start + np.pi * k / spokes + np.array((0, np.pi))
            ends = np.column_stack((x + r * np.cos(angle), r + r * np.sin(angle), (0, 0)))
            m.tube("wheels", metal, ends, 0.007)
        m.disc("wheels", rubber, (x, r, 0), 1.05 * r, hole=0.92 * r)
        m.disc("wheels", metal, (x, r, 0.01), 0.92 * r, hole=0.87 * r)
        m.disc("wheels", metal, (x, r, 0.02), 0.04)
        m.keypoint("front tyre bottom" if x > 0 else "rear tyre bottom", (x, 0.0, 0))
    m.group(0)
    crank = np.array((rng.uniform(-0.12, -0.05), r - 0.04))
    seat = np.array((rng.uniform(-0.3, -0.24), rng.uniform(0.84, 0.92)))
    head = np.array((rng.uniform(0.34, 0.4), rng.uniform(0.84, 0.92)))
    neck = head + (0.04, -0.14)
    thick = rng.uniform(0.026, 0.036)
    pedal = rng.uniform(0, 2 * np.pi)
    foot = 0.15 * np.array((np.cos(pedal), np.sin(pedal)))
    m.tube("pedals", metal, [(*crank, -0.06), (*(crank - foot), -0.06)], 0.018)
    m.keypoint("far pedal", (*(crank - foot), -0.06))
    hub = np.array((back, r))
    for a, b, slim in (
        (crank, seat, 1.0), (crank, neck, 1.0), (seat + (0.02, -0.06), head + (0.01, -0.05), 1.0),
        (hub, crank, 0.7), (hub, seat + (0.01, -0.06), 0.7),
    ):  # fmt: skip
        m.tube("frame", coat, [(*a, 0), (*b, 0)], thick * slim)
    m.tube("fork", coat, [(ahead, r, 0.02), (*neck, 0), (*head, 0)], thick)
    m.keypoint("front wheel", (ahead, r, 0.03))
    m.keypoint("rear wheel", (back, r, 0.03))
    m.disc("pedals", metal.tone(0.8), (*crank, 0.04), 0.085, hole=0.055)
    m.tube("pedals", metal, [(*crank, 0.06), (*(crank + foot), 0.06)], 0.02)
    m.tube("pedals", rubber, [(*(crank + foot + (-0.05, 0)), 0.08), (*(crank + foot + (0.05, 0)),
           0.08)], 0.022)  # fmt: skip
    m.keypoint("pedal", (*(crank + foot), 0.09))
    m.keypoint("crank", (*crank, 0.06))
    top = seat + (-0.03, rng.uniform(0.08, 0.14))
    m.tube("seat post", metal, [(*seat, 0), (*top, 0)], 0.02)
    m.tube("saddle", leather, [(*(top + (-0.14, 0.03)), 0), (*(top + (0.13, 0.02)), 0)],
           (0.06, 0.045, 0.022))  # fmt: skip
    m.keypoint("saddle", (*(top + (-0.13, 0.04)), 0.02))
    stem = head + (-0.01, rng.uniform(0.1, 0.18))
    m.tube("fork", metal, [(*head, 0), (*stem, 0)], 0.024)
    bars = [(*(stem + (-0.12, 0.03)), -0.22), (*(stem + (0.03, 0.02)), -0.12), (*stem, 0),
            (*(stem + (0.03, 0.02)), 0.12), (*(stem + (-0.12, 0.03)), 0.22)]  # fmt: skip
    m.keypoint("head tube", (*head, 0.02))
    m.tube("handlebar", metal, curve(bars, 9), 0.022)
    m.tube("handlebar", rubber, [bars[3], bars[4]], 0.032)
    m.tube("handlebar", rubber, [bars[1], bars[0]], 0.03)
    m.keypoint("grip", bars[4])
    m.keypoint("far grip", bars[0])
