from .kind import Kind as Kind, View as View
from .kinds import KINDS as KINDS, applicable as applicable, draw as draw, views as views
from .page import Figure as Figure
from .saving import FORMATS as FORMATS, save as save, svg as svg
