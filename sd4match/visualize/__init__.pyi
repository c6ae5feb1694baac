from .correlation_maps import heatmaps as heatmaps
from .generation import generate as generate, generated as generated, subjects as subjects
from .image_page import check_path as check_path, save as save
from .pair_grid import grid as grid, matches as matches, ranked as ranked
from .principal_colours import Views as Views, fit as fit, pca as pca
