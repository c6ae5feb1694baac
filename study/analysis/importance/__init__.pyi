from .factorial import Grid as Grid, grid_of as grid_of, shares as shares
from .largest import largest_differences as largest_differences
from .measured_metric import Measure as Measure
