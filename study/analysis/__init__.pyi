from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .comparison import differences as differences
from .contrasts import Row as Row
from .contrasts import around as around
from .contrasts import varied as varied
from .measuring import measure as measure
from .measuring import samples as samples
from .rows import columns as columns
from .rows import configurations as configurations
from .rows import over_seeds as over_seeds
from .rows import value as value
from .selection import choose as choose

__all__ = [
    "Comparison",
    "Row",
    "around",
    "choose",
    "columns",
    "compare",
    "configurations",
    "differences",
    "measure",
    "over_seeds",
    "samples",
    "value",
    "varied",
]
