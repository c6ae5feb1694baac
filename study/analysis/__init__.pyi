from .ablation import estimates as estimates
from .choosing import best as best
from .choosing import costs as costs
from .choosing import pareto as pareto
from .choosing import pareto_front as pareto_front
from .choosing import top as top
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .contrasts import one_at_a_time as one_at_a_time
from .contrasts import varied as varied
from .measuring import measure as measure
from .measuring import samples as samples
from .results import Results as Results
from .rows import over_seeds as over_seeds
from .rows import value as value

__all__ = [
    "Comparison",
    "Results",
    "best",
    "compare",
    "costs",
    "estimates",
    "measure",
    "one_at_a_time",
    "over_seeds",
    "pareto",
    "pareto_front",
    "samples",
    "top",
    "value",
    "varied",
]
