"""A contact sheet with drawings of all categories and styles."""

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sd4match.testbed.shapes.annotated_drawing import Drawing, draw
from sd4match.testbed.shapes.category import CATEGORIES
from sd4match.testbed.shapes.style import STYLES

_TITLES = {"spair": "SPair-71k", "pf_pascal": "PF-Pascal", "pf_willow": "PF-Willow"}
_PAPER, _TEXT = (250, 249, 246), (70, 70, 76)


def contact_sheet(
    categories: Sequence[str] = tuple(CATEGORIES),
    *,
    columns: int = 3,
    seed: int = 0,
    cell: int = 128,
    keypoints: bool = True,
) -> Image.Image:
    """Draw a table of drawings: one row per category, some columns per style.

    Args:
        categories: names of ``CATEGORIES``, one per row.
        columns: drawings per style.
        seed: seed of the drawings.
        cell: side of a drawing's place, pixels.
        keypoints: whether to mark visible keypoints, one color per id.

    Returns:
        The sheet, RGB.
    """
    gap, margin, top = 4, 96, 30
    group = columns * (cell + gap) + 3 * gap
    size = (margin + len(STYLES) * group - 3 * gap, top + len(categories) * (cell + gap))
    sheet = Image.new("RGB", size, _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for i, name in enumerate(categories):
        y = top + i * (cell + gap)
        pen.text((margin - 10, y + cell / 2), name, _TEXT, font, "rm")
        for j, style in enumerate(STYLES):
            if i == 0:
                centre = margin + j * group + (columns * (cell + gap)) / 2
                pen.text((centre, top / 2), _TITLES[style], _TEXT, font, "mm")
            for k in range(columns):
                rng = np.random.default_rng((seed, i, j, k))
                picture = _fit(draw(name, style, rng), cell, keypoints)
                at = (margin + j * group + k * (cell + gap), y)
                sheet.paste(picture, (at[0] + (cell - picture.width) // 2,
                            at[1] + (cell - picture.height) // 2))  # fmt: skip
    return sheet


def _fit(drawing: Drawing, cell: int, keypoints: bool) -> Image.Image:
    """A drawing scaled into its cell, its keypoints dotted with an antialiased ring."""
    scale = cell / max(drawing.image.size)
    large = [round(side * scale) * 3 for side in drawing.image.size]
    picture = drawing.image.resize((large[0], large[1]), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    count = len(CATEGORIES[drawing.category].keypoints)
    for i, (x, y) in drawing.keypoints.items():
        if keypoints and drawing.visible[i]:
            colour = colorsys.hsv_to_rgb(i / count, 0.85, 1.0)
            at = (3 * scale * x, 3 * scale * y)
            pen.circle(at, 8, fill=(255, 255, 255), outline=(30, 30, 34))
            pen.circle(at, 5.5, fill=tuple(int(255 * c) for c in colour))
    return picture.reduce(3)
