from .kind import Kind as Kind
from .kind import View as View
from .kinds import KINDS as KINDS
from .kinds import applicable as applicable
from .kinds import draw as draw
from .kinds import views as views
from .page import Figure as Figure
from .saving import FORMATS as FORMATS
from .saving import save as save
from .saving import svg as svg

__all__ = [
    "FORMATS",
    "KINDS",
    "Figure",
    "Kind",
    "View",
    "applicable",
    "draw",
    "save",
    "svg",
    "views",
]
