from .annotated_drawing import Drawing as Drawing, draw as draw
from .category import CATEGORIES as CATEGORIES
from .generator import Manifest as Manifest, generate as generate
from .sheet import contact_sheet as contact_sheet
from .style import STYLES as STYLES, Style as Style, named_rng as named_rng
