"""One drawing: an object in a scene, viewed by a camera, with its exact annotation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sd4match.errors import SD4MatchError
from sd4match.testbed.shapes.backdrop import backdrop
from sd4match.testbed.shapes.camera import Camera, View
from sd4match.testbed.shapes.canvas import SUPERSAMPLING, Canvas
from sd4match.testbed.shapes.captions import describe
from sd4match.testbed.shapes.category import CATEGORIES
from sd4match.testbed.shapes.composition import develop, draw_size, draw_view, occlude, scatter
from sd4match.testbed.shapes.object_model import Model
from sd4match.testbed.shapes.painting import Mark, bounds, footprint, paint_model
from sd4match.testbed.shapes.style import STYLES, Style

Mask = NDArray[np.bool_]
Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """An image and its exact annotation. Positions are (x, y) pixels from the image's corner.

    Attributes:
        image: RGB.
        category: a name of ``CATEGORIES``.
        style: the style's name.
        caption: a description.
        keypoints: id -> position, also of hidden ones and ones outside the image.
        visible: id -> whether it is inside the image and not covered.
        box: (x1, y1, x2, y2), tight box of the visible pixels of the object.
        parts: name of a part -> mask (h, w) of its visible pixels.
        mask: (h, w), mask of the visible pixels of the object.
        colours: visible part -> color word.
        view: the pose.
        truncation: fraction of the object's box outside the image.
        occlusion: fraction of the object's pixels in the image that are covered.
    """

    image: Image.Image
    category: str
    style: str
    caption: str
    keypoints: dict[int, Point]
    visible: dict[int, bool]
    box: tuple[float, float, float, float]
    parts: dict[str, Mask]
    mask: Mask
    colours: dict[str, str]
    view: View
    truncation: float
    occlusion: float


def draw(
    category: str,
    style: str | Style,
    rng: np.random.Generator,
    *,
    size: tuple[int, int] | None = None,
) -> Drawing:
    """Draw an object of a category.

    Args:
        category: a name of ``CATEGORIES``: "car".
        style: a name of ``STYLES`` ("spair", "pf_pascal", "pf_willow"), or a style.
        rng: a random generator; four are spawned from it, so that the object does not depend on
            the draws for pose, scene and light. The next call spawns others.
        size: (w, h) in pixels; default: a random one of the style.

    Returns:
        The drawing.

    Raises:
        SD4MatchError: unknown category or style.
    """
    if category not in CATEGORIES:
        raise SD4MatchError(f"no category {category!r}: use one of {', '.join(CATEGORIES)}")
    if isinstance(style, str) and style not in STYLES:
        raise SD4MatchError(f"no style {style!r}: use one of {', '.join(STYLES)}")
    look = STYLES[style] if isinstance(style, str) else style
    kind = CATEGORIES[category]
    of_object, of_view, of_scene, of_light = rng.spawn(4)
    model = Model()
    kind.build(model, of_object, look.palette)
    size = size or draw_size(look, of_view)
    limits = bounds(model)
    camera = Camera(view := draw_view(kind, look, of_view), limits, size)
    extent = camera.project(camera.place(limits))
    low, high = extent.min(0), extent.max(0)
    base = camera.project(camera.place(footprint(limits)))

    scene = "studio" if look.studio else str(of_scene.choice(kind.scenes))
    slope = float(np.tan(np.radians(view.roll)))
    behind = backdrop(
        scene, size, of_scene, look.palette, base=float(base[:, 1].mean()), slope=slope,
        avoid=model.colours[kind.main],
    )  # fmt: skip
    canvas = Canvas(size, look.outline, look.ink)
    scatter(canvas, behind, low, high, slope, look, of_scene)
    first = canvas.count + 1
    marks = paint_model(canvas, model, camera)
    last = canvas.count
    alone = canvas.labels() >= first
    occlude(canvas, behind, low, high, look, of_scene)

    labels = canvas.labels()
    mask = (labels >= first) & (labels <= last)
    parts = _part_masks(labels, canvas.parts, first, last)
    colours = {p: word for p, word in model.colours.items() if p in parts and parts[p].any()}
    known = [(i, marks[name]) for i, name in enumerate(kind.keypoints) if name in marks]
    fine = canvas.fine()
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    inside = np.clip(high, 0, size) - np.clip(low, 0, size)
    return Drawing(
        image=develop(canvas, behind, base, look, of_light),
        category=category,
        style=look.name,
        caption=describe(kind, colours, behind.phrase, of_scene),
        keypoints={i: mark.point for i, mark in known},
        visible={i: _is_seen(mark, fine, mask) for i, mark in known},
        box=(float(columns[0]), float(rows[0]), columns[-1] + 1.0, rows[-1] + 1.0),
        parts=parts,
        mask=mask,
        colours=colours,
        view=view,
        truncation=1 - float(inside.prod() / (high - low).prod()),
        occlusion=1 - float(mask.sum() / max(alone.sum(), 1)),
    )


def _part_masks(
    labels: NDArray[np.uint8], names: list[str], first: int, last: int
) -> dict[str, Mask]:
    of_part: dict[str, Mask] = {}
    for label in range(first, last + 1):
        of_part.setdefault(names[label - 1], np.zeros(256, bool))[label] = True
    return {part: members[labels] for part, members in of_part.items()}


def _is_seen(mark: Mark, fine: NDArray[np.uint8], mask: Mask) -> bool:
    """Whether a keypoint faces the viewer, is inside, uncovered, and at most a pixel off."""
    x, y = mark.point
    height, width = mask.shape
    if not (mark.facing and 0 <= x < width and 0 <= y < height):
        return False
    if fine[int(y * SUPERSAMPLING), int(x * SUPERSAMPLING)] > mark.label:
        return False
    column, row = int(x), int(y)
    return bool(mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].any())
