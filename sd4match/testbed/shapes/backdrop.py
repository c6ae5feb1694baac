"""Backgrounds: a sky or a wall above a floor in perspective, each with its caption."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sd4match.testbed.shapes.palette import Paint, Palette

Image32 = NDArray[np.float32]
Rng = np.random.Generator
_TILE = 256


@dataclass(frozen=True)
class Backdrop:
    """A background: (h, w, 3) from 0 to 1, its caption, its horizon, its kinds of clutter."""

    rgb: Image32
    phrase: str
    horizon: float
    clutter: tuple[str, ...]
    ground: bool  # whether the object stands on it and casts a shadow


@cache
def texture(rough: float) -> NDArray[np.float32]:
    """A periodic tile of fractal noise, about standard normal; ``rough`` from 0.6 to 2.

    The same for every drawing, which looks at its own random place of it.
    """
    noise = np.fft.fft2(np.random.default_rng(7).standard_normal((_TILE, _TILE)))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(_TILE), np.fft.fftfreq(_TILE)))
    frequency[0, 0] = 1
    tile = np.fft.ifft2(noise / frequency**rough * (frequency < 1)).real
    tile -= tile.mean()
    return np.asarray(tile / tile.std(), np.float32)


def sample(rng: Rng, x: NDArray[np.float32], y: NDArray[np.float32], rough: float) -> Image32:
    """Noise at places (x, y) of the tile's plane, from a random origin."""
    dx, dy = rng.integers(0, _TILE, 2)
    rows = (y.astype(np.int32) + dy) % _TILE
    columns = (x.astype(np.int32) + dx) % _TILE
    found: Image32 = texture(rough)[rows, columns]
    return found


def backdrop(
    scene: str, size: tuple[int, int], rng: Rng, palette: Palette, *, base: float, slope: float,
    avoid: str,
) -> Backdrop:  # fmt: skip
    """Paint a scene.

    Args:
        scene: "sky", "grass", "road", "city", "water", "sand", "snow", "wall", "table", "studio".
        size: (w, h) in pixels.
        rng: source of randomness.
        palette: the style's colors.
        base: y of the ground under the object, pixels.
        slope: slope of the horizon, for a camera that is not level.
        avoid: the object's color word, not to be used for a plain background.
    """
    width, height = size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    y -= slope * (x - width / 2)
    if scene == "studio":
        return _studio(x, y, rng, palette, avoid)
    if scene == "sky":
        sky, colour = _sky(x, y, float(height), rng, palette)
        article = "an" if colour[0] in "aeiou" else "a"
        return Backdrop(sky, f"in {article} {colour} sky", height, ("balloon", "cloud"), False)
    lift = rng.uniform(0.12, 0.24) if scene == "table" else rng.uniform(0.2, 0.45)
    horizon = float(np.clip(base - lift * height, 0.18 * height, 0.8 * height))
    indoor = scene in ("wall", "table")
    above, wall = (_wall if indoor else _sky)(x, y, horizon, rng, palette)
    ground, phrase = _ground(scene, x, y, horizon, rng, palette)
    if indoor:
        phrase = f"{phrase} in front of a {wall} wall".replace(" a o", " an o")
    edge = np.clip(y - horizon, 0, 1)[..., None]
    rgb = above * (1 - edge) + ground * edge
    things = {
        "water": ("rock", "buoy"), "wall": ("crate", "ball", "vase"), "table": ("ball", "vase",
        "crate"), "city": ("building", "building", "tree", "post"), "sand": ("rock", "ball",
        "bush"), "snow": ("tree", "rock"), "road": ("tree", "post", "bush", "building"),
    }.get(scene, ("tree", "bush", "rock", "flower"))  # fmt: skip
    return Backdrop(rgb, phrase, horizon, things, True)


def _mix(dark: Paint, bright: Paint, at: NDArray[np.float32]) -> Image32:
    low, high = np.array(dark.rgb, np.float32), np.array(bright.rgb, np.float32)
    return low + (high - low) * np.clip(at, 0, 1)[..., None]


def _sky(
    x: NDArray[np.float32], y: NDArray[np.float32], horizon: float, rng: Rng, palette: Palette
) -> tuple[Image32, str]:
    top = palette.pick(rng, "blue", "blue", "blue", "grey", "orange", "teal")
    haze = palette.pick(rng, "white" if top.name != "orange" else "yellow")
    rgb = _mix(top.tone(1.12), haze, 0.1 + 0.75 * np.clip(y / max(horizon, 1), 0, 1) ** 1.4)
    puff = sample(rng, 0.5 * x, 1.1 * y, 1.7) + rng.uniform(-1.1, 0.5)
    cover = np.clip(puff * 0.9, 0, 0.85)[..., None]
    return rgb * (1 - cover) + np.array((0.97, 0.965, 0.955), np.float32) * cover, top.name


def _wall(
    x: NDArray[np.float32], y: NDArray[np.float32], horizon: float, rng: Rng, palette: Palette
) -> tuple[Image32, str]:
    paint = palette.pick(rng, "beige", "yellow", "teal", "blue", "pink", "grey", "white", "green")
    paper = int(rng.integers(4))
    pitch = float(rng.uniform(12, 26))
    if paper == 0:  # stripes
        pattern = (np.sin(x * 2 * np.pi / pitch) > 0) * 0.12
    elif paper == 1:  # dots
        pattern = (np.hypot(x % pitch - pitch / 2, y % pitch - pitch / 2) < 0.2 * pitch) * 0.2
    elif paper == 2:  # bricks
        row = np.floor(y / (0.45 * pitch))
        joint = (y % (0.45 * pitch) < 1.2) | ((x + row % 2 * pitch / 2) % pitch < 1.2)
        pattern = joint * 0.28
    else:
        pattern = np.zeros_like(x)
    at = 0.35 + pattern + 0.05 * sample(rng, x, y, 1.2) + 0.25 * (1 - y / max(horizon, 1))
    skirt = (horizon - y < 5) & (horizon - y >= 0)
    at = np.where(skirt, 0.95, at)
    return _mix(paint.tone(0.78), paint.tone(1.5), at.astype(np.float32)), paint.name


def _ground(
    scene: str, x: NDArray[np.float32], y: NDArray[np.float32], horizon: float, rng: Rng,
    palette: Palette,
) -> tuple[Image32, str]:  # fmt: skip
    height, width = y.shape
    below = np.maximum(y - horizon, 0) + 0.05 * height
    far = height / below  # distance, in image heights
    across, along = (x - width / 2) * far / 3, 60 * far
    noise = sample(rng, across * 2, along * 2, 0.9)
    fade = np.clip(below / (0.35 * height), 0.15, 1)  # texture vanishes towards the horizon
    if scene == "water":
        paint = palette.pick(rng, "blue", "teal", "navy")
        wave = np.sin(along * 1.3 + 2.5 * sample(rng, across, along, 1.5))
        at = 0.42 + 0.1 * wave * fade + 0.07 * noise * fade + 0.35 * (1 - fade)
        return _mix(paint.tone(0.62), paint.tone(2.2), at), f"on {paint.name} water"
    if scene in ("road", "city"):
        paint = palette.pick(rng, "grey", "grey", "dark").tone(0.85)
        at = 0.5 + 0.1 * noise * fade
        rgb = _mix(paint.tone(0.7), paint.tone(1.35), at)
        lane = (np.abs(below / height - rng.uniform(0.4, 0.62)) < 0.022) & (across % 40 < 24)
        kerb = y - horizon < 0.07 * height
        verge = palette.pick(rng, "green" if scene == "road" else "beige")
        rgb = np.where(kerb[..., None], _mix(verge.tone(0.8), verge, at), rgb)
        rgb = np.where(lane[..., None], np.float32(0.85), rgb)
        return rgb.astype(np.float32), f"on a {paint.name} road"
    if scene in ("wall", "table"):
        paint = palette.pick(rng, "brown", "beige", "white", "grey")
        plank = (across + 200) % 46 / 46
        at = 0.5 + 0.12 * np.sin(np.floor((across + 200) / 46) * 2.4) + 0.08 * noise * fade
        if scene == "wall":
            at = at - 0.35 * (plank < 0.05) * fade
        return _mix(paint.tone(0.7), paint.tone(1.3), at), (
            f"on a {paint.name} {'table' if scene == 'table' else 'floor'}"
        )  # fmt: skip
    name, words = {
        "grass": ("green", "grass"), "sand": ("beige", "sand"), "snow": ("white", "snow"),
    }[scene]  # fmt: skip
    paint = palette.pick(rng, name)
    at = 0.45 + (0.06 if scene == "snow" else 0.13) * noise * fade + 0.3 * (1 - fade)
    patch = 0.12 * sample(rng, across / 3, along / 3, 1.6)
    shade = 0.8 if scene != "snow" else 0.88
    return _mix(paint.tone(shade * 0.85), paint.tone(1.3), at + patch), f"on {name} {words}"


def _studio(
    x: NDArray[np.float32], y: NDArray[np.float32], rng: Rng, palette: Palette, avoid: str
) -> Backdrop:
    """A seamless paper sweep: brightest behind the object, a soft floor."""
    paint = palette.pick(
        rng, "yellow", "teal", "pink", "green", "blue", "orange", "purple", "beige", "white",
        avoid=(avoid,),
    )  # fmt: skip
    height, width = y.shape
    glow = np.hypot((x / width - 0.5) * 1.2, y / height - 0.42)
    floor = 0.12 * np.clip((y / height - 0.7) * 4, 0, 1)
    rgb = _mix(paint.tone(0.86), paint.tone(1.75), 1.02 - 1.15 * glow - floor)
    article = "an" if paint.name[0] in "aeiou" else "a"
    return Backdrop(rgb, f"on {article} {paint.name} background", 0.6 * height, (), True)
