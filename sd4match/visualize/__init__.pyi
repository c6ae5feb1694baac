from .correlation_maps import heatmaps as heatmaps
from .generation import generate as generate
from .generation import generated as generated
from .generation import subjects as subjects
from .image_page import check_path as check_path
from .image_page import save as save
from .pair_grid import grid as grid
from .pair_grid import matches as matches
from .pair_grid import ranked as ranked
from .principal_colours import Views as Views
from .principal_colours import fit as fit
from .principal_colours import pca as pca

__all__ = [
    "Views",
    "check_path",
    "fit",
    "generate",
    "generated",
    "grid",
    "heatmaps",
    "matches",
    "pca",
    "ranked",
    "save",
    "subjects",
]
