from .annotated_drawing import Drawing as Drawing
from .annotated_drawing import draw as draw
from .category import CATEGORIES as CATEGORIES
from .generator import Manifest as Manifest
from .generator import generate as generate
from .sheet import contact_sheet as contact_sheet
from .style import STYLES as STYLES
from .style import Style as Style
from .style import named_rng as named_rng

__all__ = [
    "CATEGORIES",
    "STYLES",
    "Drawing",
    "Manifest",
    "Style",
    "contact_sheet",
    "draw",
    "generate",
    "named_rng",
]
