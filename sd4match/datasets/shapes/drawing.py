"""One drawing: an object, seen by a camera, in a scene, with everything known about it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sd4match.datasets.shapes.backdrop import Backdrop, backdrop, sample
from sd4match.datasets.shapes.camera import Camera, View
from sd4match.datasets.shapes.canvas import SUPERSAMPLING, Canvas, Light
from sd4match.datasets.shapes.captions import describe
from sd4match.datasets.shapes.category import CATEGORIES, Category
from sd4match.datasets.shapes.clutter import CLUTTER, OCCLUDER, place
from sd4match.datasets.shapes.model import Model
from sd4match.datasets.shapes.painter import Mark, bounds, paint_model
from sd4match.datasets.shapes.style import STYLES, Style
from sd4match.errors import SD4MatchError

Rng = np.random.Generator
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Drawing:
    """An image and its exact annotation. Keypoints are (x, y) in pixels, from the image's corner.

    Attributes:
        image: RGB.
        category: a name of ``CATEGORIES``.
        style: the style's name.
        caption: what is to be seen.
        keypoints: all of the category's by id, hidden and outside ones too.
        visible: by id, whether it is inside the image and nothing covers it.
        box: (x1, y1, x2, y2) of the visible object, tight.
        parts: by name, the pixels (h, w) where a part is seen.
        mask: (h, w), the pixels where the object is seen.
        colours: by part, its colour word.
        view: the pose.
        truncation: fraction of the object's box outside the image.
        occlusion: fraction of the object's pixels in the image that something covers.
    """

    image: Image.Image
    category: str
    style: str
    caption: str
    keypoints: dict[int, tuple[float, float]]
    visible: dict[int, bool]
    box: tuple[float, float, float, float]
    parts: dict[str, Mask]
    mask: Mask
    colours: dict[str, str]
    view: View
    truncation: float
    occlusion: float


def draw(
    category: str, style: str | Style, rng: Rng, *, size: tuple[int, int] | None = None
) -> Drawing:
    """Draw an object of a category.

    Args:
        category: a name of ``CATEGORIES``: "car".
        style: a name of ``STYLES`` ("spair", "pf_pascal", "pf_willow"), or a style.
        rng: its bit generator's seed determines the drawing; it is spawned from, not advanced.
        size: (w, h) in pixels; by default one the style likes.

    Returns:
        The drawing.

    Raises:
        SD4MatchError: unknown category or style.
    """
    if category not in CATEGORIES:
        raise SD4MatchError(f"no category {category!r} is drawn; there are {', '.join(CATEGORIES)}")
    if isinstance(style, str):
        if style not in STYLES:
            raise SD4MatchError(f"no style {style!r}; there are {', '.join(STYLES)}")
        style = STYLES[style]
    kind = CATEGORIES[category]
    # The object, its pose and its scene are independent of how much randomness the others take.
    of_object, of_view, of_scene, of_light = rng.spawn(4)
    model = Model()
    kind.build(model, of_object, style.palette)
    limits = bounds(model)
    size = size or _size(style, of_view)
    view = _view(kind, style, of_view)
    camera = Camera(view, limits, size)
    # The object's box in the image, even where it is cut off.
    seen = camera.project(camera.place(limits))
    low, high = seen.min(0), seen.max(0)
    inside = np.clip(high, 0, size) - np.clip(low, 0, size)
    truncation = 1 - float(inside.prod() / (high - low).prod())

    scene = "studio" if style.studio else kind.scenes[int(of_scene.integers(len(kind.scenes)))]
    behind = backdrop(scene, size, float(high[1]), of_scene, style.palette)
    canvas = Canvas(size, style.outline, style.ink)
    extent = float((high - low).max())
    _scatter(canvas, behind, float(high[1]), extent, style, of_scene)
    first = canvas.count
    marks = paint_model(canvas, model, camera)
    last = canvas.count
    whole = canvas.labels() > first
    if behind.clutter and of_scene.random() < style.occlusion:
        _occlude(canvas, behind, low, high, style, of_scene)

    labels = canvas.labels()
    mask = (labels > first) & (labels <= last)
    names = ["", *canvas.parts]
    parts: dict[str, Mask] = {}
    for label in range(first + 1, last + 1):
        parts.setdefault(names[label], np.zeros_like(mask))
    lookup = {name: np.zeros(256, bool) for name in parts}
    for label in range(first + 1, last + 1):
        lookup[names[label]][label] = True
    parts = {name: lookup[name][labels] for name in parts}
    image = _develop(canvas, behind, (low, high), style, of_light)
    points = {i: marks[name].point if name in marks else (np.nan, np.nan)
              for i, name in enumerate(kind.keypoints)}  # fmt: skip
    fine = canvas.fine()
    visible = {
        i: name in marks and _is_seen(marks[name], fine, mask)
        for i, name in enumerate(kind.keypoints)
    }
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    colours = {name: word for name, word in model.colours.items() if parts[name].any()}
    caption = describe(kind, colours, behind.phrase, of_scene)
    return Drawing(
        image, category, style.name, caption, points, visible, box, parts, mask, colours, view,
        truncation, 1 - float(mask.sum() / max(whole.sum(), 1)),
    )  # fmt: skip
