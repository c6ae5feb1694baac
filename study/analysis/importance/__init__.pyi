from .factorial import Grid as Grid
from .factorial import grid_of as grid_of
from .factorial import shares as shares
from .largest import largest_differences as largest_differences
from .measured_metric import Measure as Measure

__all__ = [
    "Grid",
    "Measure",
    "grid_of",
    "largest_differences",
    "shares",
]
