from .ablation import estimates as estimates
from .choosing import (
    best as best,
    costs as costs,
    pareto as pareto,
    pareto_front as pareto_front,
    top as top,
)
from .comparison import Comparison as Comparison, compare as compare
from .contrasts import one_at_a_time as one_at_a_time, varied as varied
from .measuring import measure as measure, samples as samples
from .published import PUBLISHED as PUBLISHED, Published as Published
from .results import Results as Results
from .rows import over_seeds as over_seeds, value as value
