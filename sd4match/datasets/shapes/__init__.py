"""The "shapes" benchmark: drawings of parametric objects with exact annotations, in three styles.

``draw`` makes one drawing; ``generate`` writes the trees of PF-Pascal, PF-Willow and SPair-71k.
"""

from sd4match.datasets.shapes.category import CATEGORIES
from sd4match.datasets.shapes.drawing import Drawing, draw
from sd4match.datasets.shapes.generate import Manifest, generate
from sd4match.datasets.shapes.seeds import generator
from sd4match.datasets.shapes.sheet import contact_sheet
from sd4match.datasets.shapes.style import STYLES, Style

__all__ = [
    "CATEGORIES",
    "STYLES",
    "Drawing",
    "Manifest",
    "Style",
    "contact_sheet",
    "draw",
    "generate",
    "generator",
]
