"""Named colors: captions and paint use the same words."""

import colorsys
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

RGB = tuple[float, float, float]

# Three tints of every color word; a paint is a mix of two of them.
_TINTS: dict[str, tuple[str, str, str]] = {
    "red": ("#a8322d", "#c9453a", "#d95a48"),
    "orange": ("#cf6b2c", "#de8238", "#e89a4f"),
    "yellow": ("#d9a72e", "#e6bd45", "#efd069"),
    "green": ("#46794a", "#5b955a", "#7aab66"),
    "teal": ("#2d7f7c", "#3f9a93", "#62b3a8"),
    "blue": ("#2f5f9e", "#3f78b8", "#5c96cc"),
    "navy": ("#26355c", "#2f4370", "#3c5284"),
    "purple": ("#654a8e", "#7c5ea6", "#9477b8"),
    "pink": ("#cd7090", "#db8ba6", "#e6a7ba"),
    "brown": ("#6d4630", "#85583c", "#9d6d4c"),
    "beige": ("#cdb48d", "#d8c3a0", "#e3d2b5"),
    "white": ("#e4e1d9", "#eeebe4", "#f6f4ef"),
    "grey": ("#7d838a", "#9298a0", "#a9aeb4"),
    "silver": ("#b3bac2", "#c2c9d0", "#d2d8dd"),
    "dark": ("#24262c", "#2e3138", "#3a3d45"),
}
COLOURS = tuple(_TINTS)


@dataclass(frozen=True)
class Paint:
    """A surface: its color word, its color (0 to 1) and its reflection of light."""

    name: str
    rgb: RGB
    gloss: float = 0.1
    grain: float = 0.04

    def tone(self, factor: float) -> "Paint":
        """The same paint, darker (factor below 1) or lighter (above 1)."""
        if factor <= 1:
            rgb = tuple(c * factor for c in self.rgb)
        else:
            rgb = tuple(c + (1 - c) * (1 - 1 / factor) for c in self.rgb)
        return replace(self, rgb=(rgb[0], rgb[1], rgb[2]))


@dataclass(frozen=True)
class Palette:
    """A style's colors: their saturation, brightness and variation."""

    saturation: float = 1.0
    brightness: float = 1.0
    jitter: float = 0.02

    def pick(
        self,
        rng: np.random.Generator,
        *names: str,
        avoid: Collection[str] = (),
        gloss: float = 0.1,
        grain: float = 0.04,
    ) -> Paint:
        """Draw one of the named colors, in one of its tints.

        Args:
            rng: source of randomness.
            *names: color words to choose from, out of ``COLOURS``.
            avoid: those of them not to choose.
            gloss: strength of the highlight, 0 to 1.
            grain: strength of the surface noise, 0 to 1.

        Returns:
            The paint, in this palette's saturation and brightness.
        """
        left = [name for name in names if name not in avoid]
        name = left[int(rng.integers(len(left)))]
        low, middle, high = (_decode(tint) for tint in _TINTS[name])
        at = 2 * float(rng.random())
        first, second = (low, middle) if at < 1 else (middle, high)
        rgb = [a + (b - a) * (at % 1) for a, b in zip(first, second, strict=True)]
        hue, saturation, value = colorsys.rgb_to_hsv(*rgb)
        shift = rng.normal(0, self.jitter, 3)
        toned = colorsys.hsv_to_rgb(
            (hue + 0.4 * float(shift[0])) % 1,
            min(max(saturation * self.saturation + float(shift[1]), 0), 1),
            min(max(value * self.brightness + float(shift[2]), 0), 1),
        )
        return Paint(name, toned, gloss, grain)


def _decode(tint: str) -> RGB:
    red, green, blue = (int(tint[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
