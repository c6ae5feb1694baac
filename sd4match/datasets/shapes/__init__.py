"""The "shapes" benchmark: parametric drawings with exact annotations, in the three data sets' trees."""

from sd4match.datasets.shapes.category import CATEGORIES
from sd4match.datasets.shapes.drawing import Drawing, draw
from sd4match.datasets.shapes.sheet import contact_sheet
from sd4match.datasets.shapes.style import STYLES, Style

__all__ = ["CATEGORIES", "STYLES", "Drawing", "Style", "contact_sheet", "draw"]
