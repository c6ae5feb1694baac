from .correlation import correlate as correlate
from .keypoints import Points as Points
from .keypoints import cells_to_original as cells_to_original
from .keypoints import square_to_cells as square_to_cells
from .keypoints import to_square as to_square
from .localization import localize as localize
from .localization import match as match
from .localization import match_many as match_many
from .readout import LOCALIZERS as LOCALIZERS
from .readout import Readout as Readout
from .readout import Setting as Setting

__all__ = [
    "LOCALIZERS",
    "Points",
    "Readout",
    "Setting",
    "cells_to_original",
    "correlate",
    "localize",
    "match",
    "match_many",
    "square_to_cells",
    "to_square",
]
