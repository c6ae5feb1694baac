from .correlation import correlate as correlate
from .keypoints import (
    Points as Points,
    cells_to_original as cells_to_original,
    pixels_to_centered_cells as pixels_to_centered_cells,
    square_to_cells as square_to_cells,
    to_square as to_square,
)
from .localization import localize as localize, match as match, match_many as match_many
from .readout import (
    CELL_LOCALIZERS as CELL_LOCALIZERS,
    LOCALIZERS as LOCALIZERS,
    Place as Place,
    Readout as Readout,
    Setting as Setting,
)
